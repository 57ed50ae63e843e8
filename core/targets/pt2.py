"""torch.export programs, run by PyTorch."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, ExportTarget

TARGET = ExportTarget(
    id="pt2",
    name="torch.export",
    summary="A .pt2 file: the network as PyTorch's graph with its weights, without its Python code.",
    runtime="pytorch",
    format="pt2",
    precisions={
        ExportPrecision.FP32: (),
        ExportPrecision.BF16: (Step("bf16"),),
        ExportPrecision.INT8_DYNAMIC: (Step("int8_dynamic_torch"),),
        ExportPrecision.INT8_STATIC: (Step("int8_static_torch"),),
    },
    needs="Python with PyTorch of the same or a newer version.",
    guide={
        Scenario.PROTOTYPE: Advice(
            1,
            "It stays in PyTorch, runs without the network's code, and every other target starts there.",
            "Python with PyTorch.",
        ),
        Scenario.CROSS_FRAMEWORK: Advice(
            3, "Only PyTorch reads it; ONNX is read by more.", "Python with PyTorch."
        ),
    },
    order=20,
)
