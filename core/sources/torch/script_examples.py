"""Example inputs of a TorchScript module, guessed from its first weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

Example = tuple[str, tuple[int, ...]]
"""NumPy dtype and shape without the batch."""

SIDES = (224, 32, 28, 64, 96, 112, 128, 256, 299, 320, 384, 512, 640)
LENGTHS = (128, 16, 8, 32, 64, 4)
CLIPS = ((8, 112), (16, 64), (16, 32))
STEPS = (128, 16, 100, 300, 1000, 3000, 16000)


def real_type(module: Any) -> str:
    """Return the NumPy dtype of its real inputs: ``float64`` where its weights are, else ``float32``."""
    found = next((each for each in module.parameters() if each.is_floating_point()), None)
    return "float64" if found is not None and str(found.dtype) == "torch.float64" else "float32"


def examples(module: Any) -> Iterator[Example]:
    """Yield what the module may take, by its first weights; without any, the usual kinds in turn."""
    real = real_type(module)
    for dtype, shape in _usual(module):
        yield (real if dtype == "float32" else dtype), shape


def _usual(module: Any) -> Iterator[Example]:
    for weight, embeds in islice(_weights(module), 8):
        yield from _for_weight(weight, embeds)
    for channels in (3, 1):
        yield from _images(channels)
    yield from (("int64", (length,)) for length in LENGTHS)
    yield from (("float32", (size,)) for size in (16000, 512, 784, 64, 32, 16, 10, 8, 4, 2, 1))


def _weights(module: Any) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Yield shapes of weights in order, parameters or frozen constants, and whether they embed."""
    found = False
    for owner in module.modules():
        name = str(getattr(owner, "original_name", type(owner).__name__))
        for _, parameter in owner.named_parameters(recurse=False):
            if parameter.ndim >= 2:
                found = True
                yield tuple(parameter.shape), "Embedding" in name
    if not found:
        yield from ((shape, False) for shape in constants(module) if len(shape) >= 2)


def constants(module: Any) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of the tensors that freezing put into the graph."""
    graph = getattr(module, "inlined_graph", None)
    for node in graph.nodes() if graph is not None else ():
        if node.kind() == "prim::Constant" and node.hasAttribute("value") and node.kindOf("value") == "t":
            yield tuple(node.t("value").shape)


def _for_weight(weight: tuple[int, ...], embeds: bool) -> Iterator[Example]:
    if embeds:
        yield from (("int64", (length,)) for length in LENGTHS)
    elif len(weight) == 4:
        yield from _images(weight[1])
    elif len(weight) == 3:
        yield from (("float32", (weight[1], steps)) for steps in STEPS)
    elif len(weight) == 5:
        yield from (("float32", (weight[1], depth, side, side)) for depth, side in CLIPS)
    else:
        yield ("float32", (weight[1],))
        yield from (("int64", (length,)) for length in LENGTHS[:2])
        yield from (("float32", (steps, weight[1])) for steps in (16, 128))


def _images(channels: int) -> Iterator[Example]:
    return (("float32", (channels, side, side)) for side in SIDES)
