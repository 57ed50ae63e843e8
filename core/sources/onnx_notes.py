"""What stands in the way of techniques and runtimes in an ONNX graph."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from core import onnx_graphs
from core.domain.model import Note
from core.sources.onnx_facts import constants
from core.sources.torch_facts import half_note
from core.sources.words import shown

if TYPE_CHECKING:
    from onnx import ModelProto

QUANTIZED = (
    "QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
    "MatMulNBits", "QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QAttention",
)  # fmt: skip
CONTROL = ("If", "Loop", "Scan", "SequenceMap")
OLD_OPSET, QUANTIZABLE_OPSET = 7, 13


def notes(model: ModelProto) -> tuple[Note, ...]:
    """Return what stands in the way of techniques and runtimes."""
    counts = onnx_graphs.count_ops(model)
    opset = onnx_graphs.opset(model)
    found = []
    quantized = [name for name in QUANTIZED if counts[name]]
    if quantized:
        found.append(_note(
            f"The model is already quantized ({shown(quantized)}): doing so again would only lose accuracy.",
            "Upload the float model it was made from to compare other ways of quantizing.",
        ))  # fmt: skip
    if opset < QUANTIZABLE_OPSET:
        old = " Files older than opset 7 may behave differently." if opset < OLD_OPSET else ""
        found.append(_note(
            f"The file is in ONNX opset {opset}; static INT8 needs 13, so it is converted upward.{old}",
            "Export it again with opset 17 or newer if a technique fails on it.",
        ))  # fmt: skip
    control = [name for name in CONTROL if counts[name]]
    if control:
        found.append(_note(
            f"The graph has control flow ({', '.join(control)}): operators inside it stay in float.",
            "Export the model without branches that depend on data where you can.",
        ))  # fmt: skip
    vendor = sorted({node.op_type for node in onnx_graphs.nodes(model) if node.domain == "com.microsoft"})
    if vendor:
        found.append(_note(
            f"The graph has operators of ONNX Runtime alone ({shown(vendor)}): others may refuse it.",
            "Upload the model as it was before ONNX Runtime's optimizer.",
        ))  # fmt: skip
    return (*found, *_half(model))


def _half(model: ModelProto) -> tuple[Note, ...]:
    from onnx import TensorProto as T

    names = {T.FLOAT16: "float16", T.BFLOAT16: "bfloat16"}
    large = (tensor for tensor in constants(model) if prod(tensor.dims) > 1)
    return half_note(names.get(tensor.data_type, "") for tensor in large)


def _note(message: str, hint: str) -> Note:
    return Note("model", message, hint)
