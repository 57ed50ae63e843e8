"""Exports: precisions of a target, and the places where people deploy models."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ExportPrecision(StrEnum):
    """How numbers are stored and computed in an exported file."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8_DYNAMIC = "int8_dynamic"
    """Weights in 8 bits; activations are scaled as they come, so no data is needed."""
    INT8_STATIC = "int8_static"
    """Weights and activations in 8 bits, with ranges found from calibration data."""
    INT4 = "int4"
    """Weights in 4 bits, block by block."""

    @property
    def label(self) -> str:
        """The name for people."""
        words = self.value.split("_")
        return " ".join([words[0].upper(), *words[1:]])


class Scenario(StrEnum):
    """Where a model is to run."""

    PROTOTYPE = "prototype"
    CPP_SERVER = "cpp_server"
    CROSS_FRAMEWORK = "cross_framework"
    NVIDIA_GPU = "nvidia_gpu"
    IOS = "ios"
    ANDROID = "android"
    EMBEDDED_ARM = "embedded_arm"
    BROWSER = "browser"

    @property
    def label(self) -> str:
        """The name for people."""
        return _TITLES[self]


_TITLES = {
    Scenario.PROTOTYPE: "Prototype in Python",
    Scenario.CPP_SERVER: "C++ server",
    Scenario.CROSS_FRAMEWORK: "Between frameworks",
    Scenario.NVIDIA_GPU: "NVIDIA GPU",
    Scenario.IOS: "iOS",
    Scenario.ANDROID: "Android",
    Scenario.EMBEDDED_ARM: "Embedded ARM",
    Scenario.BROWSER: "Browser",
}


@dataclass(frozen=True)
class Export:
    """One thing to export to: a target in one of its precisions."""

    target: str
    precision: ExportPrecision

    def __str__(self) -> str:
        return f"{self.target}:{self.precision}"
