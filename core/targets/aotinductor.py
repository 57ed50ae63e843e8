"""AOTInductor packages, run by PyTorch or LibTorch."""

from __future__ import annotations

from pathlib import Path

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

LIBTORCH = "LibTorch (or PyTorch) of the same version, and a processor of the same kind."

TARGET = ExportTarget(
    id="aotinductor",
    name="AOTInductor",
    summary="Native code that PyTorch's compiler made for this processor, in a package for Python and C++.",
    runtime="aotinductor",
    format="aotinductor",
    precisions={
        ExportPrecision.FP32: (),
        ExportPrecision.BF16: (Step("bf16"),),
        ExportPrecision.INT8_STATIC: (Step("int8_static_torch"),),
    },
    lacks={
        ExportPrecision.FP16: "Processors compute in BF16, not in FP16; choose bf16.",
        ExportPrecision.INT8_DYNAMIC: "The compiler is fast with fixed ranges; choose int8_static.",
    },
    needs=LIBTORCH,
    guide={
        Scenario.CPP_SERVER: Advice(
            2,
            "PyTorch's own way to C++ today: nothing is compiled or interpreted at the start. A package is "
            "for one kind of processor.",
            LIBTORCH,
        ),
        Scenario.PROTOTYPE: Advice(
            3, "The kernels of torch.compile without its wait at every start.", "Python with PyTorch."
        ),
    },
    clients=(
        Client(
            "C++",
            "main.cpp",
            Path(__file__).with_suffix(".cpp").read_text(encoding="utf8"),
            "Compiled with g++ against LibTorch and run, in the slow tests.",
        ),
    ),
    order=25,
)
