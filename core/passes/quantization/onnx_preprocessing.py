"""Quantization pre-processing: an ONNX file of any operator set is made ready for the quantizers."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.passes.checks import distance, onnx_outputs
from core.protocols import PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

FLOAT = 1
"""ONNX's number of FP32: the type of tensors that shape inference says nothing of."""

QUANTIZABLE_OPSET = 13
"""First operator set whose QuantizeLinear has a scale per channel."""


def prepared(path: Path, context: PassContext, work: Path) -> ModelProto:
    """Return the model in `path` at a modern operator set, folded, with the shapes of inner tensors.

    Symbolic shape inference and ONNX Runtime's own folding break on some graphs; then the work is done
    without them.

    Raises:
        ValueError: The operator set cannot be raised and the quantizers cannot work on it.
    """
    model = onnx_files.load(path)
    onnx_edits.drop_weight_inputs(model)
    onnx_edits.drop_shapes(model)
    onnx_edits.name_nodes(model)
    with contextlib.suppress(ValueError):  # ONNX Runtime's own conversion knows some that onnx does not
        model = onnx_edits.upgraded(model, QUANTIZABLE_OPSET)
    raised, ready = work / "raised.onnx", work / "ready.onnx"
    onnx_files.save(model, raised)
    expected = onnx_outputs(path, context)
    last: Exception = ValueError("no way to prepare it")
    for skip_symbolic, skip_folding in ((False, False), (True, False), (True, True)):
        try:
            found = _folded(raised, ready, skip_symbolic, skip_folding)
            if distance(expected, onnx_outputs(ready, context)) <= 1e-3:
                return found
            last = ValueError("the folded graph computes something else")
        except Exception as error:
            last = error
        finally:
            ready.unlink(missing_ok=True)
    raise last


def _folded(raised: Path, ready: Path, skip_symbolic: bool, skip_folding: bool) -> ModelProto:
    """Return the model in `raised` with shapes and constants folded; it lies in `ready` too."""
    from onnxruntime.quantization import quant_pre_process

    quant_pre_process(
        str(raised), str(ready), skip_symbolic_shape=skip_symbolic, skip_optimization=skip_folding
    )
    found = onnx_edits.upgraded(onnx_files.load(ready), QUANTIZABLE_OPSET)
    onnx_edits.restore_hardswish(found)
    _flatten_biases(found)
    onnx_edits.name_nodes(found)
    onnx_files.save(found, ready)
    return found


def _flatten_biases(model: ModelProto) -> None:
    """Take the first axis of biases of shape (1, width): the quantizer would look for channels there."""
    used: dict[str, set[tuple[str, int]]] = {}
    for node in onnx_files.nodes(model):
        for position, name in enumerate(node.input):
            used.setdefault(name, set()).add((node.op_type, position))
    for tensor in model.graph.initializer:
        if used.get(tensor.name) == {("Gemm", 2)} and list(tensor.dims[:-1]) == [1]:
            del tensor.dims[0]
