"""Write the table of torchvision's networks: `python -m core.architectures.fingerprint_torchvision`.

Every builder is run without memory for its weights, with two class counts; where the shapes differ, a letter
goes into the table.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from core.architectures.construct import V1_STEM, construct
from core.architectures.fingerprint import Nodes, shapes_of, write_table
from core.architectures.loading import weightless
from core.architectures.shape_table import ANY, AUXILIARY, CHANNELS, CLASSES, POSITIONS, Pattern

TWO_COUNTS = (1000, 7)
FRAMES = 16
QUANTIZED = "quantized_"

TWO_STAGES = (
    "it looks again into the regions that it finds, so its outputs have no fixed sizes; export it with "
    "torchvision to ONNX (torch.onnx.export(model, ([image],), 'model.onnx', dynamo=False)) and give that"
)
ONE_STAGE = {"retinanet": 640, "fcos": 640, "ssd": 300, "ssdlite": 320}
"""Side of the example image, by the module of detectors whose scores and boxes come in one pass."""

FLOW = "optical flow networks return a list of flow fields, for which there is no measure here"


def weightless_builder(name: str) -> AbstractContextManager[Any]:
    """A context for builder `name`; SSDlite's runs its backbone once, so no real tensor may come in there."""
    import torch

    return torch.device("meta") if ".detection." in module_of(name) else weightless()


def module_of(name: str) -> str:
    """The module that builder `name` stands in."""
    from torchvision import models

    found: str = models.get_model_builder(name).__module__
    return found


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
    if ".detection." in module_of(name) and module_of(name).rpartition(".")[2] not in ONE_STAGE:
        return TWO_STAGES
    return FLOW if ".optical_flow." in module_of(name) else ""


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
    return tuple(a if a == b else letter if (a, b) == TWO_COUNTS else _times(a, b) for a, b in pairs)


def _times(one: int, two: int) -> str:
    """The classes' letter where each class has several numbers, else the one for anything."""
    times, rest = divmod(one, TWO_COUNTS[0])
    return ANY if rest or two != times * TWO_COUNTS[1] else f"{CLASSES}{times}"


def input_shape(name: str) -> tuple[int, ...]:
    """Example input without batch, out of the transforms of the builder's default weights."""
    from torchvision import models

    side = ONE_STAGE.get(module_of(name).rpartition(".")[2])
    if side:
        return (3, side, side)
    if name.startswith("vit_"):
        return (3, 224, 224)  # the positions in the state dict tell the true size
    preset = models.get_model_weights(name)["DEFAULT"].transforms
    keywords = getattr(preset, "keywords", {})
    side = keywords.get("crop_size", keywords.get("resize_size", 224))
    sides = tuple(side) if isinstance(side, tuple | list) else (side, side)
    return (3, FRAMES, *sides) if ".video." in module_of(name) else (3, *sides)


def builders() -> list[str]:
    """torchvision's registered builders but the quantizable ones, whose keys are those of the float ones."""
    from torchvision import models

    return [name for name in models.list_models() if not name.startswith(QUANTIZED)]


def write() -> None:
    """Write the table."""
    import torchvision

    nodes, networks = Nodes(), []
    for name in builders():
        for options in variants(name):
            raw = module_of(name).rpartition(".")[2] in ONE_STAGE
            more = {"refused": refusal(name), "raw": raw}
            patterns = patterns_of(name, options)
            networks.append(nodes.network(name, options, input_shape(name), patterns, more))
    write_table("torchvision", torchvision.__version__, networks, nodes)


if __name__ == "__main__":
    write()
