"""OpenVINO IR: the graph as XML, its weights in a file beside it."""

from __future__ import annotations

from pathlib import Path

from core.archives.openvino_ir import check_ir, weights_of
from core.domain.learn import Learn
from core.formats.built import HOSTILE
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    check_ir(path, HOSTILE)
    return (weights_of(path),)


FORMAT = Format(
    "openvino",
    "OpenVINO IR",
    ".xml",
    _check,
    learn=Learn(
        does="OpenVINO's own format: the graph as XML, the weights beside it.",
        costs="Only OpenVINO reads it.",
        choose="To serve with OpenVINO: loads faster than ONNX.",
        expect="4 bytes a parameter in FP32, 2 in FP16, 1 in INT8",
    ),
)
