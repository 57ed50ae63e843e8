"""Shape inference by running: an ONNX graph is run once, since static inference gives up on some."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.protocols import Array, Feed

if TYPE_CHECKING:
    from onnx import ModelProto

SMALL = 256
"""Elements of an integer tensor that may be the operand of a reshape, a slice or a resize."""


def constants(model: ModelProto) -> dict[str, Array]:
    """Return the constants of the main graph, with `Constant` nodes turned into initializers."""
    from onnx import numpy_helper

    graph = model.graph
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        for attribute in node.attribute:
            if attribute.name == "value":
                graph.initializer.append(attribute.t)
                graph.initializer[-1].name = node.output[0]
                graph.node.remove(node)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def inner_outputs(model: ModelProto) -> list[str]:
    """Return the names of what the nodes of the main graph compute."""
    return [name for node in model.graph.node for name in node.output if name]


def observe(
    model: ModelProto, names: Iterable[str], feed: Feed, work: Path, threads: int = 1
) -> dict[str, Array]:
    """Return the values of inner tensors on `feed`; those that are no tensors are left out."""
    copy = onnx_edits.with_outputs(model, names)
    path = onnx_files.save(copy, work / "observed.onnx")[0]
    opened = onnx_files.session(path, threads, optimize=False)
    found = zip(onnx_files.output_names(copy), onnx_files.run(opened, feed), strict=True)
    return {name: value for name, value in found if isinstance(value, np.ndarray)}


def shapes_and_values(
    model: ModelProto, feed: Feed, work: Path, threads: int = 1
) -> tuple[dict[str, tuple[int, ...]], dict[str, Array]]:
    """Return the shape of every tensor, and the values of small integer ones."""
    seen = feed | observe(model, inner_outputs(model), feed, work, threads)
    small = {n: value for n, value in seen.items() if value.dtype.kind in "iu" and value.size <= SMALL}
    return {name: value.shape for name, value in seen.items()}, small
