"""Precision, control inputs and head names of an ONNX graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from math import prod
from typing import TYPE_CHECKING

from core.domain.model import TensorSpec
from core.graphs.onnx import files as onnx_files
from core.sources.onnx import signature

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

QUANTIZED = (
    "QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
    "MatMulNBits", "QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QAttention",
)  # fmt: skip
COMPARISONS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")


def quantized(model: ModelProto) -> list[str]:
    """Return the operators by which a graph is quantized already."""
    counts = onnx_files.count_ops(model)
    return [name for name in QUANTIZED if counts[name]]


def precision(model: ModelProto) -> str:
    """Return what the graph computes in: ``INT8`` where it is quantized, else the type of most weights."""
    from onnx import TensorProto as T

    if quantized(model):
        return "INT8"
    names = {T.DOUBLE: "FP64", T.FLOAT: "FP32", T.FLOAT16: "FP16", T.BFLOAT16: "BF16"}
    held: Counter[str] = Counter()
    for tensor in signature.constants(model):
        if tensor.data_type in names:
            held[names[tensor.data_type]] += prod(tensor.dims)
    for value in () if held else model.graph.input:
        held[names.get(value.type.tensor_type.elem_type, "FP32")] += 1
    return max(held, key=lambda name: held[name], default="FP32")


def heads(model: ModelProto, widths: Collection[int | str]) -> list[str]:
    """Return the names of weights with a side as long as an output is wide."""
    wide = set(widths)
    held = (tensor for tensor in model.graph.initializer if len(tensor.dims) >= 2)
    return [tensor.name for tensor in held if not wide.isdisjoint(tensor.dims)]


def compared(model: ModelProto, inputs: Collection[TensorSpec]) -> dict[str, tuple[int, ...]]:
    """Return, by input of one whole number, the constants it is compared with; 0 and 1 where it chooses."""
    single = {
        spec.name
        for spec in inputs
        if not spec.dtype.startswith("float") and all(size == 1 for size in spec.shape)
    }
    origin = {name: name for name in single}
    numbers = _numbers(model)
    found: dict[str, set[int]] = {}
    for node in onnx_files.nodes(model) if single else ():
        sources = [origin[name] for name in node.input if name in origin]
        if not sources:
            continue
        if node.op_type in signature.FOLLOWED:
            origin[node.output[0]] = sources[0]
        elif node.op_type in COMPARISONS:
            values = {numbers[name] for name in node.input if name in numbers}
            found.setdefault(sources[0], set()).update(values)
        elif node.op_type == "If":
            found.setdefault(sources[0], set()).update((0, 1))
    return {name: tuple(sorted(values)) for name, values in found.items() if values}


def _numbers(model: ModelProto) -> dict[str, int]:
    """Return the value of each constant that is one whole number, by name, subgraphs included."""
    held = [tensor for graph in onnx_files.graphs(model.graph) for tensor in graph.initializer]
    made = (node for node in onnx_files.nodes(model) if node.op_type == "Constant")
    found = {tensor.name: _number(tensor) for tensor in held}
    found |= {node.output[0]: _constant(node) for node in made}
    return {name: value for name, value in found.items() if value is not None}


def _constant(node: NodeProto) -> int | None:
    for attribute in node.attribute:
        if attribute.name == "value":
            return _number(attribute.t)
        if attribute.name == "value_int":
            return int(attribute.i)
    return None


def _number(tensor: TensorProto) -> int | None:
    from onnx import numpy_helper

    if prod(tensor.dims) != 1 or tensor.data_location == tensor.EXTERNAL:
        return None
    array = numpy_helper.to_array(tensor)
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and float(array.reshape(())).is_integer())
    return int(array.reshape(())) if whole else None
