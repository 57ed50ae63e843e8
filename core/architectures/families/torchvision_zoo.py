"""torchvision's whole registry: classification, segmentation and video networks by their keys and shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import isqrt
from typing import TYPE_CHECKING, Any

from core.architectures.catalogue import HINT, Architecture, Nearest, Shapes, describe_differences
from core.architectures.shape_table import (
    AUXILIARY,
    CHANNELS,
    CLASSES,
    POSITIONS,
    Entry,
    Slot,
    entries,
    hash_keys,
)
from core.domain.model import Preprocessing
from core.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import nn

TRANSFORMS = "_transform_input"
"""Ends the names of GoogLeNet and Inception v3 with renormalised input, as the pretrained ones have."""

QUANTIZED = "quantized_"
QUANTIZABLE = (
    "googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50",
    "resnext101_32x8d", "resnext101_64x4d",
    "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
)  # fmt: skip
"""Builders that torchvision repeats for eager-mode quantization; before it, their keys are the same."""
OLD_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))\.([12]\..*)$")
OLD_MLP = re.compile(r"^(.*\.mlp)\.linear_([12])\.(weight|bias)$")
DEFAULT_CLASSES = 1000
RAW_PIXELS = Preprocessing("torchvision's detectors", resize="stretch")
"""They normalise by themselves."""

CLOSE_ENOUGH = 0.5
"""Share of keys that must be known for a network to be called near."""


class TorchvisionFamily:
    """Every builder of `torchvision.models.list_models()`, of the release that the table was written from."""

    id = "torchvision"
    order = 30

    def names(self) -> list[str]:
        """The registry's names, and two that renormalise their input."""
        return list(_by_name())

    def canonical(self, key: str) -> str:
        """DenseNet's `norm.1` and the transformers' `mlp.linear_1` are of earlier releases."""
        dense = OLD_DENSE.match(key)
        if dense:
            return dense[1] + dense[2]
        mlp = OLD_MLP.match(key)
        return f"{mlp[1]}.{3 * (int(mlp[2]) - 1)}.{mlp[3]}" if mlp else key

    def match(self, shapes: Shapes) -> Architecture | None:
        """The network with exactly these keys; raises UnsupportedModel for detection and optical flow."""
        hashed = hash_keys(shapes)
        found = _find([entry for entry in entries() if entry.keys == hashed], shapes)
        return found or _without_head(hashed, shapes)

    def by_name(self, name: str, shapes: Shapes) -> Architecture:
        """The named network sized to `shapes`; raises UnsupportedModel when they do not fit."""
        wanted = _by_name()[name]
        found = _find(wanted, shapes) or _without_head(hash_keys(shapes), shapes, wanted)
        if found is None:
            near = min((_distance(entry, shapes) for entry in wanted), key=lambda item: item.distance)
            message = f"The state dict is not of {name}: {near.distance} keys do not fit"
            raise UnsupportedModel(f"{message} ({'; '.join(near.differences)}).", hint=HINT)
        if not name.endswith(TRANSFORMS):
            return found
        options = found.config["options"] | {"transform_input": True}
        return replace(found, name=name, config=found.config | {"options": options}, notes=())

    def nearest(self, shapes: Shapes) -> list[Nearest]:
        """The three networks that share most keys and shapes, if they share half of them."""
        near = sorted((_distance(entry, shapes) for entry in entries()), key=lambda item: item.distance)
        return [item for item in near[:3] if item.distance < CLOSE_ENOUGH * len(shapes)]

    def build(self, architecture: Architecture) -> nn.Module:
        """A fresh network in eval mode; the options and changed layers come from `config`."""
        from core.architectures.construct import construct, resize, take_off

        config = architecture.config
        network = construct(config["builder"], config["options"], architecture.classes or None)
        if config.get("without"):
            take_off(network, config["without"])
        for path, dimension, size in config["resized"]:
            resize(network, path, dimension, size)
        return network.eval()


@cache
def _by_name() -> dict[str, list[Entry]]:
    named: dict[str, list[Entry]] = {}
    for entry in entries():
        named.setdefault(entry.name, []).append(entry)
    for name in ("googlenet", "inception_v3"):
        named[name + TRANSFORMS] = named[name]
    return named | {QUANTIZED + name: named[name] for name in QUANTIZABLE}


def _find(candidates: list[Entry], shapes: Shapes) -> Architecture | None:
    for entry in candidates:
        letters = entry.letters(shapes)
        if letters is not None and entry.more["refused"]:
            raise UnsupportedModel(
                f"This is torchvision's {entry.name}, which Whetstone cannot work with: "
                f"{entry.more['refused']}.",
                hint="Classifiers, segmentation, video and one-stage detectors (SSD, RetinaNet, FCOS) do "
                "as weights; others as ONNX files.",
            )
        if letters is not None and _square(letters):
            return _architecture(entry, letters, shapes)
    return None


def _without_head(hashed: str, shapes: Shapes, among: Sequence[Entry] | None = None) -> Architecture | None:
    """The network whose last layer or whole head was taken off, so that features come out."""
    for entry in entries() if among is None else among:
        for module, keys in entry.bodies.items():
            letters = entry.letters(shapes, module) if keys == hashed else None
            if letters is not None and not entry.more["refused"] and _square(letters):
                return _architecture(entry, letters, shapes, module)
    return None


def _square(letters: dict[Slot, int]) -> bool:
    """Whether a vision transformer's positions, less the class token's, form a square image."""
    patches = [size - 1 for slot, size in letters.items() if slot.letter == POSITIONS]
    return all(isqrt(count) ** 2 == count for count in patches)


def _architecture(entry: Entry, letters: dict[Slot, int], shapes: Shapes, without: str = "") -> Architecture:
    values = {slot.letter: size for slot, size in letters.items()}
    channels, classes = values[CHANNELS], values.get(CLASSES, 0)
    options = dict(entry.options)
    sides = entry.input_shape[1:]
    if POSITIONS in values:
        side = isqrt(values[POSITIONS] - 1) * shapes["conv_proj.weight"][-1]
        options["image_size"], sides = side, (side, side)
    config = {
        "builder": entry.name,
        "options": options,
        "resized": _resized(letters, classes or DEFAULT_CLASSES),
        "without": without,
    }
    return Architecture(
        entry.name,
        FAMILY.id,
        config,
        classes,
        (channels, *sides),
        notes=tuple(_notes(entry, values, sides)),
        preprocessing=RAW_PIXELS if entry.more["raw"] else None,
    )


def _resized(letters: dict[Slot, int], classes: int) -> list[list[Any]]:
    """Layers that the builder's arguments cannot size: path, dimension and size."""
    expected = {AUXILIARY: classes, CHANNELS: 3}
    return [
        [slot.key.removesuffix(".weight"), slot.dimension, size]
        for slot, size in letters.items()
        if slot.key.endswith(".weight") and size != expected.get(slot.letter, size)
    ]


def _notes(entry: Entry, values: dict[str, int], sides: tuple[int, ...]) -> Iterator[str]:
    if CLASSES not in values:
        yield f"The head of {entry.name} was taken off: the outputs are features, not classes."
    if entry.name in ("googlenet", "inception_v3"):
        yield (
            f"Taken without renormalised input; weights that descend from torchvision's pretrained ones need "
            f"the name {entry.name}{TRANSFORMS}."
        )
    if entry.more["raw"]:
        yield (
            "Measured is the network itself: scores and box offsets of every anchor. Sorting boxes out "
            "(non-maximum suppression) is left to your code. Pixels go from 0 to 1."
        )
    if values[CHANNELS] != 3:
        yield f"The first convolution takes {values[CHANNELS]} channels instead of 3."
    if POSITIONS not in values:
        size = " x ".join(map(str, sides))
        yield f"The input size {size} is that of torchvision's own weights; the keys do not tell it."


def _distance(entry: Entry, shapes: Shapes) -> Nearest:
    return Nearest(entry.name, *describe_differences(entry.nearest_shapes(shapes), shapes))


FAMILY = TorchvisionFamily()
