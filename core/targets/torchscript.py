"""TorchScript, run by PyTorch or LibTorch."""

from __future__ import annotations

from pathlib import Path

from core.domain.export import ExportPrecision, Scenario
from core.protocols import Advice, Client, ExportTarget

TARGET = ExportTarget(
    id="torchscript",
    name="TorchScript",
    summary="A file that LibTorch runs from C++; deprecated by PyTorch in favour of torch.export.",
    runtime="torchscript",
    format="torchscript",
    precisions={ExportPrecision.FP32: ()},
    lacks=dict.fromkeys(
        (ExportPrecision.BF16, ExportPrecision.INT8_STATIC),
        "PyTorch does not develop TorchScript any more; choose aotinductor.",
    ),
    needs="PyTorch, or LibTorch for C++.",
    guide={
        Scenario.CPP_SERVER: Advice(
            4,
            "LibTorch loads it with one call. PyTorch has deprecated it: choose it for existing programs.",
            "LibTorch of about the same version.",
        ),
        Scenario.PROTOTYPE: Advice(
            4, "It runs without the network's code, and is deprecated.", "Python with PyTorch."
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
    order=30,
)
