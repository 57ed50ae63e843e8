"""ncnn models: the layers as text, their weights in a file beside it."""

from __future__ import annotations

from pathlib import Path

from core.archives.ncnn_params import read_layers, weights_of
from core.domain.learn import Learn
from core.errors import CorruptFile
from core.formats.built import HOSTILE
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    weights = weights_of(path)
    try:
        read_layers(path)
    except (ValueError, OSError) as error:
        raise CorruptFile(f"{path.name} is no ncnn model: {error}.", hint=HOSTILE) from error
    if not weights.is_file():
        raise CorruptFile(f"The weights of {path.name} are missing.", hint=HOSTILE)
    return (weights,)


FORMAT = Format(
    "ncnn",
    "ncnn",
    ".param",
    _check,
    learn=Learn(
        does="Two files: the layers as lines of text, and the weights one after the other.",
        costs="Only ncnn reads it. One sample a call, and fewer operators.",
        choose="For apps on Android and iOS that are to stay small, and for boards with Linux.",
        expect="4 bytes a parameter in FP32, 2 in FP16",
    ),
)
