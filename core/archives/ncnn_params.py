"""The text file of an ncnn model, read without ncnn.

Source: https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/param-and-model-file-structure.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MAGIC = "7767517"
LONGEST, MOST = 64 * 1024**2, 1_000_000
"""Bytes of the file, and layers or blobs in it."""
NAME = re.compile(r"[\w./:+\-]{1,255}", re.ASCII)
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan)"
SETTING = re.compile(
    rf'-?\d{{1,5}}=(?:(?:{_NUMBER})(?:,(?:{_NUMBER}))*|"?[\w.,+*/()>\-]{{1,255}}"?)', re.ASCII
)
"""A setting of a layer by its number: a number, numbers, or a short text."""
_PLACE = re.compile(r"(in|out)(\d{1,6})", re.ASCII)
"""How the converter names inputs and outputs."""


@dataclass(frozen=True)
class Layer:
    """One line of the file.

    Attributes:
        kind: Type of the layer, such as ``Convolution``.
        name: Its own.
        inputs: Blobs that it reads.
        outputs: Blobs that it writes.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def foreign(self) -> bool:
        """Whether it is an operator that the converter wrote down without knowing one of ncnn's for it."""
        return not self.kind.isidentifier()


def weights_of(path: Path) -> Path:
    """Return the file of the weights that belongs to the file of the layers."""
    return path.with_suffix(".bin")


def read_layers(path: Path) -> list[Layer]:
    """Return the layers of a ``.param`` file.

    Raises:
        ValueError: It is no such file, or a layer reads what no layer before it writes.
    """
    if path.stat().st_size > LONGEST:
        raise ValueError("it is longer than any network's")
    lines = path.read_text(encoding="ascii").splitlines()
    if len(lines) < 2 or lines[0].strip() != MAGIC:
        raise ValueError("it does not begin as one")
    counts = lines[1].split()
    if len(counts) != 2 or not all(each.isdecimal() and int(each) <= MOST for each in counts):
        raise ValueError("it does not say how many layers it has")
    layers = [_layer(line) for line in lines[2:] if line.strip()]
    if len(layers) != int(counts[0]):
        raise ValueError(f"it holds {len(layers)} layers and says {counts[0]}")
    _require_order(layers, int(counts[1]))
    return layers


def ports_of(layers: list[Layer]) -> tuple[list[str], list[str]]:
    """Return the blobs that are fed and those that are the outputs, as the converter numbers them."""
    found: dict[str, list[tuple[int, str]]] = {"in": [], "out": []}
    for name in (name for layer in layers for name in layer.outputs):
        if place := _PLACE.fullmatch(name):
            found[place[1]].append((int(place[2]), name))
    inputs, outputs = ([name for _, name in sorted(found[each])] for each in ("in", "out"))
    return inputs, outputs


def _layer(line: str) -> Layer:
    words = line.split(maxsplit=4)
    if len(words) < 4 or not (words[2].isdecimal() and words[3].isdecimal()):
        raise ValueError("a line of it is no layer")
    kind, name, reads, writes = *words[:2], int(words[2]), int(words[3])
    rest = words[4].split() if len(words) > 4 else []
    blobs, settings = rest[: reads + writes], rest[reads + writes :]
    if len(blobs) != reads + writes or not all(NAME.fullmatch(each) for each in (kind, name, *blobs)):
        raise ValueError(f"the layer {name[:40]!r} lacks inputs or outputs")
    if not all(SETTING.fullmatch(each) for each in settings):
        raise ValueError(f"the layer {name[:40]!r} has settings that are none")
    return Layer(kind, name, tuple(blobs[:reads]), tuple(blobs[reads:]))


def _require_order(layers: list[Layer], blobs: int) -> None:
    written: set[str] = set()
    for layer in layers:
        if not written.issuperset(layer.inputs):
            raise ValueError(f"the layer {layer.name[:40]!r} reads what no layer before it writes")
        if not written.isdisjoint(layer.outputs):
            raise ValueError(f"the layer {layer.name[:40]!r} writes what another wrote")
        written.update(layer.outputs)
    if len(written) != blobs:
        raise ValueError(f"it holds {len(written)} blobs and says {blobs}")
