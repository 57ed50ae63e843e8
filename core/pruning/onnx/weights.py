"""The weights of convolutions and matrix products in an ONNX graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.graphs.onnx import files as onnx_files
from core.protocols import Array

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

QUANTIZED = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul",
     "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulNBits", "QGemm", "QAttention"}
)  # fmt: skip
"""Operators that show that weights are no plain floats any more."""

OPERANDS = {"Conv": (1,), "FusedConv": (1,), "ConvTranspose": (1,), "Gemm": (0, 1), "MatMul": (0, 1)}
"""Positions at which an operator takes a weight."""


def quantized(model: ModelProto) -> list[str]:
    """Return the operators of `model` that compute on quantized numbers."""
    return sorted(QUANTIZED & onnx_files.count_ops(model).keys())


def weights(model: ModelProto) -> dict[str, TensorProto]:
    """Return the float weights of convolutions and matrix products, those in subgraphs too, each once.

    The name of a weight is made unique by the position of its graph.
    """
    from onnx import TensorProto

    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    found: dict[str, TensorProto] = {}
    used = set(_operands(onnx_files.nodes(model)))
    for number, graph in enumerate(onnx_files.graphs(model.graph)):
        for name, tensor in _constants(graph):
            if name in used and tensor.data_type in floats and len(tensor.dims) >= 2:
                found[f"{number}:{name}" if number else name] = tensor
    return found


def inputs_first(model: ModelProto) -> set[str]:
    """Return the weights of products that are held as (in, out)."""
    found: set[str] = set()
    for node in onnx_files.nodes(model):
        turned = any(each.name == "transB" and each.i for each in node.attribute)
        if node.op_type == "MatMul" or (node.op_type == "Gemm" and not turned):
            found |= set(node.input[1:2])
    return found


def write(tensor: TensorProto, array: Array) -> None:
    """Replace the content of `tensor`, keeping its name."""
    from onnx import numpy_helper

    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _operands(nodes: Iterator[NodeProto]) -> Iterator[str]:
    for node in nodes:
        for position in OPERANDS.get(node.op_type, ()):
            if position < len(node.input):
                yield node.input[position]


def _constants(graph: Any) -> Iterator[tuple[str, TensorProto]]:
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield node.output[0], attribute.t
