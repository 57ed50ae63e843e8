"""Write the table of torchvision's networks: `python -m core.architectures.fingerprint` (some seconds).

Every builder is run without memory for its weights, with two class counts; where the shapes differ, a letter
goes into the table.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from core.architectures.catalogue import COUNTER
from core.architectures.construct import V1_STEM, construct
from core.architectures.loading import weightless
from core.architectures.shape_table import (
    ANY,
    AUXILIARY,
    CHANNELS,
    CLASSES,
    PATH,
    POSITIONS,
    Pattern,
    hash_keys,
)

if TYPE_CHECKING:
    from torch import nn

TWO_COUNTS = (1000, 7)
FRAMES = 16
QUANTIZED = "quantized_"

DETECTION = "detection networks take a list of images and return lists of boxes, not a batch of outputs"
FLOW = "optical flow networks return a list of flow fields, for which there is no measure here"


def weightless_builder(name: str) -> AbstractContextManager[Any]:
    """A context for builder `name`; SSDlite's runs its backbone once, so no real tensor may come in there."""
    import torch

    return torch.device("meta") if refusal(name) == DETECTION else weightless()


def variants(name: str) -> list[dict[str, Any]]:
    """Options under which a builder gives other keys or shapes."""
    if name in ("googlenet", "inception_v3"):
        return [{"aux_logits": True}, {"aux_logits": False}]
    if name.startswith(("deeplabv3_", "fcn_")):
        return [{"aux_loss": False}, {"aux_loss": True}]
    if name.startswith("mnasnet") and name != "mnasnet1_0":
        return [{}, {V1_STEM: True}]
    return [{}]


def refusal(name: str) -> str:
    """Why a builder's networks cannot be used, or nothing."""
    from torchvision import models

    place = models.get_model_builder(name).__module__
    if ".detection." in place:
        return DETECTION
    return FLOW if ".optical_flow." in place else ""


def shapes_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Shape by key, batch norm's counters left out."""
    return {k: tuple(v.shape) for k, v in network.state_dict().items() if not k.endswith(COUNTER)}


def patterns_of(name: str, options: dict[str, Any]) -> dict[str, Pattern]:
    """Shape pattern by key of one builder."""
    countable = refusal(name) != FLOW
    with weightless_builder(name):
        one, two = (shapes_of(construct(name, options, count if countable else None)) for count in TWO_COUNTS)
    patterns = {key: _blanked(key, one[key], two[key]) for key in one}
    stem = next(key for key, shape in one.items() if len(shape) >= 4 and shape[1] == 3)
    patterns[stem] = (*patterns[stem][:1], CHANNELS, *patterns[stem][2:])
    position = patterns.get("encoder.pos_embedding")
    if position is not None:
        patterns["encoder.pos_embedding"] = (position[0], POSITIONS, position[2])
    return patterns


def _blanked(key: str, one: tuple[int, ...], two: tuple[int, ...]) -> Pattern:
    letter = AUXILIARY if "aux" in key.lower() else CLASSES
    pairs = zip(one, two, strict=True)
    return tuple(a if a == b else letter if (a, b) == TWO_COUNTS else ANY for a, b in pairs)


def input_shape(name: str) -> tuple[int, ...]:
    """Example input without batch, out of the transforms of the builder's default weights."""
    from torchvision import models

    place = models.get_model_builder(name).__module__
    if name.startswith("vit_"):
        return (3, 224, 224)  # the positions in the state dict tell the true size
    preset = models.get_model_weights(name)["DEFAULT"].transforms
    keywords = getattr(preset, "keywords", {})
    side = keywords.get("crop_size", keywords.get("resize_size", 224))
    sides = tuple(side) if isinstance(side, tuple | list) else (side, side)
    return (3, FRAMES, *sides) if ".video." in place else (3, *sides)


class Nodes:
    """Nodes of the table, equal ones stored once."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self._places: dict[str, int] = {}

    def add(self, patterns: dict[str, Pattern]) -> int:
        """The node number of a whole network."""
        return self._tree([(key.split("."), pattern) for key, pattern in patterns.items()])

    def _tree(self, below: list[tuple[list[str], Pattern]]) -> int:
        if len(below) == 1 and not below[0][0]:
            return self._place(json.dumps(below[0][1], separators=(",", ":")))
        children: dict[str, list[tuple[list[str], Pattern]]] = {}
        for path, pattern in below:
            children.setdefault(path[0], []).append((path[1:], pattern))
        node = {name: self._tree(inner) for name, inner in children.items()}
        return self._place(json.dumps(node, separators=(",", ":")))

    def _place(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.items)
            self.items.append(text)
        return self._places[text]


def builders() -> list[str]:
    """torchvision's registered builders but the quantizable ones, whose keys are those of the float ones."""
    from torchvision import models

    return [name for name in models.list_models() if not name.startswith(QUANTIZED)]


def write() -> None:
    """Write the table, one network and one node a line."""
    import torchvision

    nodes, networks = Nodes(), []
    for name in builders():
        for options in variants(name):
            patterns = patterns_of(name, options)
            entry = {
                "name": name,
                "options": options,
                "keys": hash_keys(patterns),
                "input": input_shape(name),
                "refused": refusal(name),
                "root": nodes.add(patterns),
            }
            networks.append(json.dumps(entry))
    release = json.dumps(torchvision.__version__.partition("+")[0])
    lines = ",\n".join(networks), ",\n".join(nodes.items)
    text = f'{{"torchvision": {release},\n"networks": [\n{lines[0]}\n],\n"nodes": [\n{lines[1]}\n]}}\n'
    PATH.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
