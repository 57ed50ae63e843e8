"""Quantization coverage: how much of a graph computes in 8 bits, behind "why isn't INT8 faster?"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.errors import PassNotApplicable
from core.graphs.onnx import files as onnx_files

if TYPE_CHECKING:
    from onnx import ModelProto

COMPUTE = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "Attention"})
"""Operators where nearly all time is spent."""

INTEGER = {
    "ConvInteger": "Conv",
    "QLinearConv": "Conv",
    "MatMulInteger": "MatMul",
    "QLinearMatMul": "MatMul",
    "DynamicQuantizeMatMul": "MatMul",
    "MatMulIntegerToFloat": "MatMul",
    "MatMulNBits": "MatMul",
    "QGemm": "Gemm",
    "DynamicQuantizeLSTM": "LSTM",
    "QAttention": "Attention",
}
OPENVINO_COMPUTE = frozenset(
    {"Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul",
     "LSTMSequence", "GRUSequence", "RNNSequence", "LSTMCell", "GRUCell", "ScaledDotProductAttention"}
)  # fmt: skip
OPENVINO_MOVES = frozenset(
    {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Convert", "Concat", "Split", "VariadicSplit",
     "StridedSlice", "Slice", "MaxPool", "ShapeOf", "Gather", "Broadcast", "Pad"}
)  # fmt: skip


def details(quantized: Counter[str], floating: Counter[str]) -> dict[str, Any]:
    """Return the counts as an artifact's details."""
    return {
        "quantized": quantized.total(),
        "float": floating.total(),
        "quantized_ops": dict(quantized),
        "float_ops": dict(floating),
    }


def onnx_counts(model: ModelProto) -> dict[str, Any]:
    """Count compute nodes: quantized where all tensors of their product come from 8 bits, else float."""
    quantized: Counter[str] = Counter()
    floating: Counter[str] = Counter()
    for graph in onnx_files.graphs(model.graph):
        restored = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
        for node in graph.node:
            if node.op_type in INTEGER:
                quantized[INTEGER[node.op_type]] += 1
            elif node.op_type in COMPUTE:
                into = quantized if set(node.input[:2]) <= restored else floating
                into[node.op_type] += 1
    return details(quantized, floating)


def require_float(counts: dict[str, Any], hint: str = "Try plain conversion or graph optimization.") -> None:
    """Refuse a graph without heavy layers in float.

    Raises:
        PassNotApplicable: They are in 8 bits already, or there are none.
    """
    if not counts["float"] and counts["quantized"]:
        listed = ", ".join(f"{count} {kind}" for kind, count in counts["quantized_ops"].items())
        raise PassNotApplicable(f"The layers are in 8 bits already ({listed}).", hint=hint)
    if not counts["float"]:
        raise PassNotApplicable("The graph has no convolution and no matrix product.", hint=hint)


def openvino_counts(model: Any) -> dict[str, Any]:
    """Count the compute nodes of an OpenVINO model in the same way."""
    return _openvino_counts(model, 0)


def openvino_weight_counts(model: Any) -> dict[str, Any]:
    """Count the compute nodes of an OpenVINO model with weights in 8 bits, whatever they compute in."""
    return _openvino_counts(model, 1)


def _openvino_counts(model: Any, port: int) -> dict[str, Any]:
    quantized: Counter[str] = Counter()
    floating: Counter[str] = Counter()
    for node in _openvino_nodes(model):
        if node.get_type_name() in OPENVINO_COMPUTE:
            into = quantized if _quantized_input(node, port) else floating
            into[node.get_type_name()] += 1
    return details(quantized, floating)


def _restores(multiply: Any) -> bool:
    """Whether the product is the last step from 8 bits back to float: (Convert(x) - zero) * scale."""
    source = multiply.input_value(0).get_node()
    if source.get_type_name() == "Subtract":
        source = source.input_value(0).get_node()
    if source.get_type_name() != "Convert":
        return False
    return source.get_input_element_type(0).get_type_name() in ("i8", "u8", "i4", "u4")


def _openvino_nodes(model: Any) -> Iterator[Any]:
    for node in model.get_ordered_ops():
        yield node
        if node.get_type_name() == "If":
            yield from _openvino_nodes(node.get_function(0))
            yield from _openvino_nodes(node.get_function(1))
        elif node.get_type_name() in ("Loop", "TensorIterator"):
            yield from _openvino_nodes(node.get_function())


def _quantized_input(node: Any, port: int) -> bool:
    source = node.input_value(port).get_node()
    for _ in range(16):
        kind = source.get_type_name()
        if kind == "FakeQuantize" or (kind == "Multiply" and _restores(source)):
            return True
        if kind not in OPENVINO_MOVES or not source.get_input_size():
            return False
        source = source.input_value(0).get_node()
    return False
