"""Shape table of a model zoo: networks as state-dict keys and shapes, as `fingerprint` wrote them.

The table is a graph: a node is a list (the shape of a tensor) or an object (child node by name), and equal
subtrees are stored once. A dimension that a person may choose is a letter instead of a number.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from core.architectures.catalogue import Shapes

CLASSES = "C"
AUXILIARY = "A"
CHANNELS = "I"
POSITIONS = "P"
SIZE = "S"
ANY = "*"
"""Classes of the main head (followed by how many numbers each has, if several) and of auxiliary heads, input
channels, patch positions plus one, a number that grows with the image (followed by the number that it is at
the usual size), and anything."""

Pattern = tuple[int | str, ...]


class Slot(NamedTuple):
    """Where a letter stands: the key and the dimension."""

    key: str
    dimension: int
    letter: str


@dataclass(frozen=True)
class Entry:
    """One network of the table.

    Attributes:
        options: Keyword arguments of the library's builder, such as `{"aux_logits": false}`.
        keys: Hash of its sorted key list.
        input_shape: Example input without batch, from the transforms of its pretrained weights.
        bodies: Hash of the keys that are left without the head, by the module that is taken off.
        more: What else the library's table says.
    """

    name: str
    options: dict[str, Any]
    keys: str
    input_shape: tuple[int, ...]
    bodies: Mapping[str, str]
    more: Mapping[str, Any]
    table: Table
    root: int

    @cached_property
    def patterns(self) -> dict[str, Pattern]:
        """Shape pattern by key."""
        return dict(self.table.expand(self.root))

    def letters(self, shapes: Shapes, without: str = "") -> dict[Slot, int] | None:
        """What each letter stands for when `shapes` fit, None when they do not.

        Args:
            shapes: Tensor shape by key.
            without: A module that was taken off, with its keys.
        """
        patterns = {key: pattern for key, pattern in self.patterns.items() if not below(key, without)}
        found: dict[Slot, int] = {}
        if len(shapes) != len(patterns):
            return None
        for key, pattern in patterns.items():
            values = _fit(key, pattern, shapes.get(key))
            if values is None:
                return None
            found |= values
        main = {value for slot, value in found.items() if slot.letter == CLASSES}
        return found if len(main) <= 1 else None

    def nearest_shapes(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The network's own shapes, every letter filled from `shapes` where the ranks agree, else with 0."""
        return {key: _filled(pattern, shapes.get(key, ())) for key, pattern in self.patterns.items()}


@dataclass(frozen=True)
class Table:
    """The nodes and the version of the library that they were read from."""

    version: str
    nodes: list[Any]

    def expand(self, root: int, prefix: str = "") -> Iterable[tuple[str, Pattern]]:
        """Key and shape pattern of every tensor below node `root`."""
        node = self.nodes[root]
        if isinstance(node, list):
            yield prefix, tuple(node)
            return
        for name, child in node.items():
            yield from self.expand(child, f"{prefix}.{name}" if prefix else name)


def path_of(library: str) -> Path:
    """Where the table of `library` lies."""
    return Path(__file__).with_name(f"{library}_shapes.json.xz")


@cache
def entries(library: str = "torchvision") -> tuple[Entry, ...]:
    """Every network of the table, the preferred of two equal ones first."""
    raw = json.loads(lzma.decompress(path_of(library).read_bytes()))
    table = Table(raw["version"], raw["nodes"])
    return tuple(
        Entry(n["name"], n["options"], n["keys"], tuple(n["input"]), n["bodies"], n["more"], table, n["root"])
        for n in raw["networks"]
    )


def hash_keys(keys: Iterable[str]) -> str:
    """Short hash of a key list, whatever its order."""
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]


def below(key: str, module: str) -> bool:
    """Whether the tensor `key` belongs to `module`; nothing belongs to a module without a name."""
    return bool(module) and key.startswith(f"{module}.")


def _fit(key: str, pattern: Pattern, shape: tuple[int, ...] | None) -> dict[Slot, int] | None:
    if shape is None or len(shape) != len(pattern):
        return None
    found = {}
    for dimension, (expected, actual) in enumerate(zip(pattern, shape, strict=True)):
        if isinstance(expected, str) and expected[:1] == CLASSES:
            times = int(expected[1:] or 1)
            if actual % times:
                return None
            found[Slot(key, dimension, CLASSES)] = actual // times
        elif isinstance(expected, str):
            found[Slot(key, dimension, expected)] = actual
        elif expected != actual:
            return None
    return found


def _filled(pattern: Pattern, shape: tuple[int, ...]) -> tuple[int, ...]:
    actual = shape if len(shape) == len(pattern) else (0,) * len(pattern)
    return tuple(a if isinstance(p, str) else p for p, a in zip(pattern, actual, strict=True))
