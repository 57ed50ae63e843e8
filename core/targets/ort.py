"""ONNX Runtime's own format, for builds of it that hold one model's operators alone."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, ExportTarget
from core.targets.onnx import TARGET as ONNX

CONVERT = Step("convert_ort")
"""In place of the last step of ONNX, which writes that file."""

TARGET = ExportTarget(
    id="ort",
    name="ONNX Runtime, reduced",
    summary="A .ort file with the list of operators that a minimal build of ONNX Runtime needs for it.",
    runtime="onnxruntime",
    format="ort",
    precisions={each: (*steps[:-1], CONVERT) for each, steps in ONNX.precisions.items()},
    lacks=ONNX.lacks,
    needs="ONNX Runtime of about the same version; a minimal build of it is made from its sources with "
    "--minimal_build --include_ops_by_config model.required_operators.config.",
    guide={
        Scenario.ANDROID: Advice(
            4,
            "A build of ONNX Runtime for this model alone takes a few megabytes of the app.",
            "ONNX Runtime, built from its sources for Android with the list beside the model.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.FP32),
        ),
        Scenario.EMBEDDED_ARM: Advice(
            4,
            "A build of ONNX Runtime for this model alone is small and starts without parsing the graph.",
            "ONNX Runtime, built from its sources for the board with the list beside the model.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.FP32),
        ),
    },
    order=15,
)
