"""LiteRT flatbuffers (once TensorFlow Lite), for phones and small devices."""

from __future__ import annotations

from pathlib import Path

from core.archives.tflite import check_tflite
from core.domain.learn import Learn
from core.formats.built import HOSTILE
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    check_tflite(path, HOSTILE)
    return ()


FORMAT = Format(
    "tflite",
    "LiteRT (TFLite)",
    ".tflite",
    _check,
    learn=Learn(
        does="A compact flat file that LiteRT maps into memory as it is.",
        costs="A fixed batch, and fewer operators.",
        choose="For phones and small boards.",
        expect="4 bytes a parameter in FP32, 2 in FP16, 1 in INT8",
    ),
)
