"""Toy models as they are, and rounded."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, ExportTarget

TARGET = ExportTarget(
    id="toy",
    name="Toy NumPy",
    summary="Two matrices.",
    runtime="toy",
    format="toy",
    precisions={
        ExportPrecision.FP32: (),
        ExportPrecision.FP16: (Step("toy_round", {"digits": 2}),),
        ExportPrecision.INT8_STATIC: (Step("toy_spoil"),),
    },
    guide={
        Scenario.PROTOTYPE: Advice(
            0, "It is small.", "NumPy.", (ExportPrecision.INT8_STATIC, ExportPrecision.FP16)
        )
    },
)
