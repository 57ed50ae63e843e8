"""timm's whole registry by keys and shapes: classes, channels and image size are read off the shapes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from core.architectures.catalogue import HINT, Architecture, Nearest, Shapes, describe_differences
from core.architectures.shape_table import CHANNELS, CLASSES, SIZE, Entry, Slot, below, entries, hash_keys
from core.domain.model import Preprocessing
from core.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import nn

PREFIX = "timm/"
SECOND_CHOICE = ("tf_", "legacy_", "gluon_", "tv_", "blur", "_aa_", "pruned", "_in21k")
"""Ports of other libraries' weights and variants that compute otherwise with the same tensors."""
CLOSE_ENOUGH = 0.5
NAMED = 4


class TimmFamily:
    """Every builder of `timm.list_models()`, of the release that the table was written from."""

    id = "timm"
    order = 40

    def names(self) -> list[str]:
        """The registry's names, and the same as the hub writes them (`timm/resnet50`)."""
        return [*_by_name(), *(PREFIX + name for name in _by_name())]

    def canonical(self, key: str) -> str:
        """The table's release is the only one."""
        return key

    def match(self, shapes: Shapes) -> Architecture | None:
        """The network with exactly these keys, or one whose head was taken off."""
        found = [(entry, fit) for entry in _candidates(shapes) if (fit := _Fit.of(entry, shapes))]
        if not found:
            return None
        entry, fit = min(found, key=lambda pair: (not pair[1].usual, *_preference(pair[0].name)))
        return _architecture(entry, fit, [other.name for other, _ in found if other is not entry])

    def by_name(self, name: str, shapes: Shapes) -> Architecture:
        """The named network sized to `shapes`; raises UnsupportedModel when they do not fit."""
        entry = _by_name()[name.removeprefix(PREFIX)]
        fit = _Fit.of(entry, shapes)
        if fit is None:
            near = _distance(entry, shapes)
            message = f"The state dict is not of timm's {entry.name}: {near.distance} keys do not fit"
            raise UnsupportedModel(f"{message} ({'; '.join(near.differences)}).", hint=HINT)
        return _architecture(entry, fit, [])

    def nearest(self, shapes: Shapes) -> list[Nearest]:
        """The networks that share most keys and shapes, if they share half of them."""
        few = [entry for entry in entries("timm") if _same_start(entry, shapes)]
        near = sorted((_distance(entry, shapes) for entry in few), key=lambda item: item.distance)
        return [item for item in near[:3] if item.distance < CLOSE_ENOUGH * len(shapes)]

    def build(self, architecture: Architecture) -> nn.Module:
        """A fresh network in eval mode, without its head where `classes` is 0; nothing is fetched."""
        import timm

        config = architecture.config
        arguments = {"num_classes": architecture.classes, "in_chans": config["channels"]}
        arguments |= {"img_size": config["side"]} if config["side"] else {}
        network: nn.Module = timm.create_model(config["builder"], pretrained=False, **arguments)
        return network.eval()


class _Fit:
    """How a network of the table is sized by `shapes`.

    Attributes:
        side: Pixels; 0 where the network is told none, or has its usual size.
        usual: Whether the image has the size that the table's network usually takes.
    """

    def __init__(self, letters: dict[Slot, int], side: int, *, usual: bool) -> None:
        values = {slot.letter: size for slot, size in letters.items()}
        self.classes, self.channels = values.get(CLASSES, 0), values.get(CHANNELS, 3)
        self.side, self.usual = side, usual

    @classmethod
    def of(cls, entry: Entry, shapes: Shapes) -> _Fit | None:
        """The fit of `entry`, whole or without its head, or None."""
        for module in ("", *(module for module in entry.bodies if _classifies(entry, module))):
            letters = entry.letters(shapes, module)
            if letters is None:
                continue
            usual = all(_usual(slot) in (None, size) for slot, size in letters.items())
            side = 0 if usual else _side(entry, letters)
            return None if side is None else cls(letters, side, usual=usual)
        return None


def _classifies(entry: Entry, module: str) -> bool:
    """Whether `module` is the last layer alone: that is what timm leaves out for no classes."""
    return all(CLASSES in pattern for key, pattern in entry.patterns.items() if below(key, module))


def _usual(slot: Slot) -> int | None:
    return int(slot.letter[1:]) if slot.letter.startswith(SIZE) else None


def _side(entry: Entry, letters: dict[Slot, int]) -> int | None:
    """The image size that the table's rule reads off, or None where the number is no square of patches."""
    if not entry.more["size"]:
        return None
    key, dimension, power, patch, rest = entry.more["size"]
    count = next(v for slot, v in letters.items() if (slot.key, slot.dimension) == (key, dimension)) - rest
    patches = round(max(count, 0) ** (1 / power))
    return patches * patch if patches and patches**power == count else None


@cache
def _by_name() -> dict[str, Entry]:
    return {entry.name: entry for entry in entries("timm")}


@cache
def _by_keys() -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries("timm"):
        for keys in (entry.keys, *entry.bodies.values()):
            found.setdefault(keys, []).append(entry)
    return found


def _candidates(shapes: Shapes) -> list[Entry]:
    return _by_keys().get(hash_keys(shapes), [])


def _preference(name: str) -> tuple[bool, int, str]:
    return any(part in name for part in SECOND_CHOICE), len(name), name


def _same_start(entry: Entry, shapes: Shapes) -> bool:
    """Whether the outermost modules are mostly the same, which costs no expansion of the table."""
    own, theirs = set(entry.table.nodes[entry.root]), {key.partition(".")[0] for key in shapes}
    return 2 * len(own & theirs) > len(own | theirs)


def _architecture(entry: Entry, fit: _Fit, others: list[str]) -> Architecture:
    side = fit.side or entry.input_shape[-1]
    return Architecture(
        entry.name,
        FAMILY.id,
        {"builder": entry.name, "channels": fit.channels, "side": fit.side},
        fit.classes,
        (fit.channels, side, side),
        notes=tuple(_notes(entry, fit, others)),
        preprocessing=Preprocessing(f"timm's {entry.name}", **_pixels(entry)),
    )


def _pixels(entry: Entry) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in entry.more["pixels"].items()}


def _notes(entry: Entry, fit: _Fit, others: list[str]) -> Iterator[str]:
    if others:
        ranked = sorted(others, key=_preference)
        more = f" and {len(ranked) - NAMED} more" if len(ranked) > NAMED else ""
        yield (
            f"Taken as timm's {entry.name}; the same tensors fit {', '.join(ranked[:NAMED])}{more}. "
            "Name the architecture if it is one of these: they may compute otherwise."
        )
    if not fit.classes:
        yield "There is no head on it: the outputs are features, not classes."
    if not entry.more["size"]:
        side = " x ".join(map(str, entry.input_shape[1:]))
        yield f"The input size {side} is that of timm's own weights; the keys do not tell it."


def _distance(entry: Entry, shapes: Shapes) -> Nearest:
    return Nearest(f"timm's {entry.name}", *describe_differences(entry.nearest_shapes(shapes), shapes))


FAMILY = TimmFamily()
