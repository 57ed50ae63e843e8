"""Exports: precisions of a target, and the places where people deploy models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from json import dumps


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


Option = bool | int | float | str


@dataclass(frozen=True)
class Export:
    """One thing to export to: a target in one of its precisions.

    Attributes:
        target: Id of an export target.
        precision: Of the file.
        options: What else is asked of the file, by name: parameters of the techniques that lead to it.
    """

    target: str
    precision: ExportPrecision
    options: tuple[tuple[str, Option], ...] = ()

    @property
    def plain(self) -> Export:
        """The same without options."""
        return replace(self, options=())

    def __str__(self) -> str:
        """Return it as it is spelled, such as ``onnx:fp16:opset=17,weights=beside``."""
        told = (f"{name}={value if isinstance(value, str) else dumps(value)}" for name, value in self.options)
        return ":".join(filter(None, (self.target, self.precision, ",".join(told))))
