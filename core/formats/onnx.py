"""ONNX: a graph of standard operators, with large weights beside it."""

from __future__ import annotations

from pathlib import Path

from core.graphs.onnx import checks
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    model = checks.parse(path)
    checks.check_operators(model)
    return checks.check_tensors(model, path.parent)


FORMAT = Format("onnx", "ONNX", ".onnx", _check)
