"""ONNX, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

CHECKED = Step("onnx_form")
"""Records shapes and lets ONNX's checker look; by hand it writes another operator set, too."""
LINES = Path(__file__).with_name("onnx_clients")

TARGET = ExportTarget(
    id="onnx",
    name="ONNX",
    summary="The format that most runtimes and frameworks read; run here by ONNX Runtime.",
    runtime="onnxruntime",
    format="onnx",
    precisions={
        ExportPrecision.FP32: (CHECKED,),
        ExportPrecision.FP16: (Step("fp16"), CHECKED),
        ExportPrecision.INT8_DYNAMIC: (Step("int8_dynamic"), CHECKED),
        ExportPrecision.INT8_STATIC: (Step("int8_static_ort"), CHECKED),
        ExportPrecision.INT4: (Step("nbits_weights_ort"), CHECKED),
    },
    lacks={ExportPrecision.BF16: "ONNX Runtime has few BF16 kernels for processors. Take OpenVINO for BF16."},
    needs="ONNX Runtime, or any other program that reads ONNX.",
    guide={
        Scenario.CROSS_FRAMEWORK: Advice(
            1,
            "Every framework and nearly every runtime reads ONNX, so the choice of a runtime stays open.",
            "A runtime that knows the file's operator set.",
            (ExportPrecision.FP32, ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC),
        ),
        Scenario.CPP_SERVER: Advice(
            2,
            "ONNX Runtime has a C++ interface without Python and runs on processors of every maker.",
            "ONNX Runtime's C++ library (libonnxruntime).",
            (ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC, ExportPrecision.FP32),
        ),
        Scenario.PROTOTYPE: Advice(
            2,
            "It runs without the code of the network, and on other frameworks.",
            "Python with the package onnxruntime.",
        ),
        Scenario.NVIDIA_GPU: Advice(
            2,
            "ONNX Runtime's CUDA provider runs it without a build step.",
            "An NVIDIA GPU, CUDA and the package onnxruntime-gpu.",
            (ExportPrecision.FP16, ExportPrecision.FP32),
        ),
        Scenario.EMBEDDED_ARM: Advice(
            3,
            "ONNX Runtime is built for 64-bit ARM boards with Linux.",
            "ONNX Runtime for aarch64.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.FP32),
        ),
    },
    clients=(
        Client("C++", "main.cpp", (LINES / "main.cpp").read_text(encoding="utf8")),
        Client(
            "JavaScript (Node.js)",
            "main.mjs",
            (LINES / "main.mjs").read_text(encoding="utf8"),
            "Run by Node.js in the tests.",
        ),
    ),
    order=10,
)
