"""MACs (multiply-accumulates) of an ONNX graph, from the shapes that inference finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.protocols import Feed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

RUN_BYTES = 500_000_000
SMALL = 1024
"""Elements of a constant that may be the operand of a reshape."""


def count_macs(model: ModelProto, feed: Feed, runnable: bool = True) -> int | None:
    """Return the MACs of one forward pass on `feed`.

    Convolutions, matrix products and recurrent layers of the main graph are counted.

    Args:
        model: Left as it is.
        feed: Inputs at the example shape and batch 1.
        runnable: Whether `model` holds all its weights, so that shapes which inference does not find can be
            looked at by running it.

    Returns:
        None where a shape cannot be found, or where work hides in subgraphs or functions.
    """
    if model.functions or any(node.op_type in HIDING for node in model.graph.node):
        return None
    work = [node for node in model.graph.node if node.op_type in RULES]
    needed = {name for node in work for name in (*node.input[:4], *node.output[:1]) if name}
    shapes = shapes_of(model, feed, needed, runnable)
    try:
        return sum(RULES[node.op_type](node, shapes) for node in work) or None
    except (KeyError, IndexError):
        return None


def shapes_of(
    model: ModelProto, feed: Feed, wanted: Iterable[str], runnable: bool = True
) -> dict[str, Shape]:
    """Return the shapes of tensors of the main graph by name, those `wanted` by running where need be."""
    shapes = _infer(model, {name: array.shape for name, array in feed.items()})
    missing = sorted(set(wanted) - shapes.keys())
    if missing and runnable and model.ByteSize() < RUN_BYTES:
        shapes |= _observe(model, missing, feed)
    return shapes


def _observe(model: ModelProto, names: list[str], feed: Feed) -> dict[str, Shape]:
    """Return the shapes of inner tensors by making them outputs and running once."""
    watched = onnx_edits.with_outputs(model, names)
    try:
        session = onnx_files.session(watched.SerializeToString(), optimize=False)
        arrays = session.run(names, feed)
    except Exception:
        return {}  # the model itself ran; without these shapes the work is merely not countable
    return {name: tuple(array.shape) for name, array in zip(names, arrays, strict=True)}


def _infer(model: ModelProto, inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    import onnx

    copy = _without_weights(model)
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    for value in copy.graph.input:
        if value.name in inputs:
            value.type.tensor_type.shape.Clear()
            for size in inputs[value.name]:
                value.type.tensor_type.shape.dim.add().dim_value = size
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer} | dict(inputs)
    try:
        inferred = onnx.shape_inference.infer_shapes(copy, data_prop=True).graph
    except Exception:
        return shapes  # an operator that inference does not know; what is missing shows up as not countable
    for value in (*inferred.value_info, *inferred.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes.setdefault(value.name, tuple(dim.dim_value for dim in dims))
    return shapes


def _without_weights(model: ModelProto) -> ModelProto:
    """Return the graph with the shapes of large constants but not their data, to be quick and small."""
    import onnx

    copy = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    copy.graph.name = "shapes"
    copy.graph.node.extend(model.graph.node)
    copy.graph.input.extend(model.graph.input)
    copy.graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if prod(tensor.dims) <= SMALL:
            copy.graph.initializer.append(tensor)
        else:
            copy.graph.initializer.add(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    return copy


def _attribute(node: NodeProto, name: str, default: int) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == name), default)


def _conv(node: NodeProto, shapes: Shapes, weight: int = 1) -> int:
    return prod(shapes[node.output[0]]) * prod(shapes[node.input[weight]][1:])


def _transposed(node: NodeProto, shapes: Shapes) -> int:
    return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])


def _matmul(node: NodeProto, shapes: Shapes) -> int:
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _gemm(node: NodeProto, shapes: Shapes) -> int:
    inner = 0 if _attribute(node, "transA", 0) else 1
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][inner]


def _recurrent(node: NodeProto, shapes: Shapes) -> int:
    """Weights of input and recurrence are used once per step and sample; X is (steps, batch, width)."""
    return prod(shapes[node.input[0]][:2]) * (prod(shapes[node.input[1]]) + prod(shapes[node.input[2]]))


HIDING = frozenset(
    {"If", "Loop", "Scan", "Attention", "MultiHeadAttention", "QAttention", "Einsum", "MatMulNBits"}
)
"""Operators whose work this does not see; a figure without it would be wrong."""

RULES: dict[str, Callable[[Any, Shapes], int]] = {
    "Conv": _conv,
    "FusedConv": _conv,
    "ConvInteger": _conv,
    "QLinearConv": lambda node, shapes: _conv(node, shapes, weight=3),
    "ConvTranspose": _transposed,
    "MatMul": _matmul,
    "FusedMatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "Gemm": _gemm,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
}
