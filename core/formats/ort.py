"""ONNX Runtime's own format: a flatbuffer, with a list of the operators that it needs.

Source: https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/flatbuffers/schema/ort.fbs
"""

from __future__ import annotations

from pathlib import Path

from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.graphs.onnx.files import operators_file
from core.protocols import Format

IDENTIFIER = b"ORTM"
LONGEST_LIST = 1024**2


def _check(path: Path) -> tuple[Path, ...]:
    """Check the file's mark and the list; ONNX Runtime verifies the tables within when it opens them."""
    with path.open("rb") as file:
        start = file.read(8)
    if start[4:] != IDENTIFIER:
        raise UnsafeUpload(f"{path.name} is no ONNX Runtime model.", hint=HOSTILE)
    if int.from_bytes(start[:4], "little") >= path.stat().st_size:
        raise CorruptFile(f"{path.name} is cut off.", hint=HOSTILE)
    beside = operators_file(path)
    if not beside.exists():
        return ()
    if beside.stat().st_size > LONGEST_LIST or not beside.read_bytes().isascii():
        raise UnsafeUpload(f"{beside.name} is no list of operators.", hint=HOSTILE)
    return (beside,)


FORMAT = Format(
    "ort",
    "ONNX Runtime's format (.ort)",
    ".ort",
    _check,
    learn=Learn(
        does="A flat file of the graph as ONNX Runtime has optimized it.",
        costs="Only ONNX Runtime of about the same version reads it.",
        choose="For minimal builds of ONNX Runtime, in apps and pages where its size counts.",
        expect="4 bytes a parameter in FP32",
    ),
)
