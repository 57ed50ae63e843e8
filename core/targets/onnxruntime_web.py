"""ONNX Runtime Web: a model in a web page."""

from __future__ import annotations

from pathlib import Path

from core.domain.export import ExportPrecision, Scenario
from core.protocols import Advice, Client, ExportTarget
from core.targets.onnx import TARGET as ONNX

LINES = Path(__file__).with_name("onnxruntime_web_clients")

TARGET = ExportTarget(
    id="onnxruntime_web",
    name="ONNX Runtime Web",
    summary="ONNX for web pages, run by WebAssembly in the visitor's browser; the kit is such a page.",
    runtime="onnxruntime_web",
    format="onnx",
    precisions=ONNX.precisions,
    lacks={ExportPrecision.BF16: "WebAssembly computes no BF16. Take FP16 for half the download."},
    needs="A browser, and the npm package onnxruntime-web beside the page.",
    guide={
        Scenario.BROWSER: Advice(
            1,
            "It runs ONNX as it is in every browser, and data stays with the visitor. The page loads 14 MB "
            "of runtime once; INT8 makes the model a quarter of its download.",
            "The npm package onnxruntime-web; for several threads, pages that are cross-origin isolated.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC, ExportPrecision.FP32),
        ),
    },
    clients=(
        Client(
            "JavaScript (browser)",
            "main.mjs",
            (LINES / "main.mjs").read_text(encoding="utf8"),
            "Run by Chromium in the tests.",
        ),
    ),
    order=60,
)
