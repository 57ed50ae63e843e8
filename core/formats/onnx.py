"""ONNX: a graph of standard operators, with large weights beside it."""

from __future__ import annotations

from pathlib import Path

from core.domain.learn import Learn
from core.graphs.onnx import checks
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    model = checks.parse(path)
    checks.check_operators(model)
    return checks.check_tensors(model, path.parent)


FORMAT = Format(
    "onnx",
    "ONNX",
    ".onnx",
    _check,
    learn=Learn(
        does="An open graph format: operators with a version, and weights. Almost every runtime and tool "
        "reads it.",
        costs="Nothing for most networks; Python control flow is gone.",
        choose="As the file to keep and to pass on.",
        expect="Weights in FP32: 4 bytes a parameter",
    ),
)
