"""Limitations of an ONNX graph: operators and types that stand in the way of techniques and runtimes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from core.domain.model import Note
from core.graphs.onnx import files as onnx_files
from core.sources.onnx.semantics import quantized
from core.sources.onnx.signature import constants
from core.sources.torch.forward_pass import half_note
from core.texts import shown

if TYPE_CHECKING:
    from onnx import ModelProto

CONTROL = ("If", "Loop", "Scan", "SequenceMap")
OLD_OPSET, QUANTIZABLE_OPSET = 7, 13


def notes(model: ModelProto) -> tuple[Note, ...]:
    """Return what stands in the way of techniques and runtimes."""
    return (*(Note(message, hint) for message, hint in _obstacles(model)), *_half(model))


def _obstacles(model: ModelProto) -> Iterator[tuple[str, str]]:
    """Yield messages with their hints."""
    counts, opset = onnx_files.count_ops(model), onnx_files.opset(model)
    if found := quantized(model):
        yield (
            f"The model is already quantized ({shown(found)}): doing so again would only lose accuracy.",
            "Upload the float model it was made from to compare other ways of quantizing.",
        )
    if opset < QUANTIZABLE_OPSET:
        old = " Files older than opset 7 may behave differently." if opset < OLD_OPSET else ""
        yield (
            f"The file is in ONNX opset {opset}; static INT8 needs 13, so it is converted upward.{old}",
            "Export it again with opset 17 or newer if a technique fails on it.",
        )
    if control := [name for name in CONTROL if counts[name]]:
        yield (
            f"The graph has control flow ({', '.join(control)}): static INT8 of ONNX Runtime leaves what is "
            "inside in float, and other runtimes may refuse it.",
            "Fix the inputs that choose a branch, or export the model without branches where you can.",
        )
    if vendor := sorted({n.op_type for n in onnx_files.nodes(model) if n.domain == "com.microsoft"}):
        yield (
            f"The graph has operators of ONNX Runtime alone ({shown(vendor)}): others may refuse it.",
            "Upload the model as it was before ONNX Runtime's optimizer.",
        )


def _half(model: ModelProto) -> tuple[Note, ...]:
    from onnx import TensorProto as T

    names = {T.FLOAT16: "float16", T.BFLOAT16: "bfloat16"}
    large = (tensor for tensor in constants(model) if prod(tensor.dims) > 1)
    return half_note(names.get(tensor.data_type, "") for tensor in large)
