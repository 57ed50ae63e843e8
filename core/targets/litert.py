"""LiteRT (TFLite), run by LiteRT's interpreter."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, ExportTarget

TARGET = ExportTarget(
    id="litert",
    name="LiteRT",
    summary="A .tflite file for Android, iOS and small boards, once called TensorFlow Lite.",
    runtime="litert",
    format="tflite",
    precisions={ExportPrecision.FP32: (Step("export_litert"),)},
    needs="LiteRT (TensorFlow Lite) on the device.",
    guide={
        Scenario.ANDROID: Advice(
            1,
            "LiteRT is part of Google Play services and reaches the GPU and the NPU of a phone.",
            "The LiteRT library in the app, or Google Play services.",
        ),
        Scenario.EMBEDDED_ARM: Advice(
            1,
            "Its runtime takes about a megabyte and has kernels for ARM processors.",
            "LiteRT for the board; for microcontrollers LiteRT Micro.",
        ),
        Scenario.IOS: Advice(
            2,
            "One file for Android and iOS; Core ML reaches more of Apple's hardware.",
            "The LiteRT pod in the app.",
        ),
    },
    order=50,
)
