"""Build kits for TensorRT: a prepared ONNX file with the scripts that build, run and verify its engine.

An engine belongs to the GPU and the version of TensorRT that built it, so it is built where it runs.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from core.archives.npz import npz_names
from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.graphs.onnx import checks
from core.protocols import Format

SCRIPTS = ("build_engine.py", "session.py", "verify.py")
SPEC, EXPECTED, GUIDE = "engine.json", "expected.npz", "README.md"
AGAIN = "Export the model again, as after an update. If it stays so, do not trust the model."
ARRAYS = r"(input|output)_\d{1,9}_\d{1,9}"
LARGEST_TEXT = 1 << 20


def script(name: str) -> str:
    """Return one of the kit's scripts; they are the same for every model."""
    return resources.files(__package__).joinpath("tensorrt_kit", name).read_text(encoding="utf8")


def _check(path: Path) -> tuple[Path, ...]:
    model = checks.parse(path)
    checks.check_operators(model)
    weights = checks.check_tensors(model, path.parent)
    for name in SCRIPTS:
        if _text(path.with_name(name)) != script(name):
            raise UnsafeUpload(f"{name} is not the script that this version has for build kits.", hint=AGAIN)
    try:
        json.loads(_text(path.with_name(SPEC)))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{SPEC} is no JSON.", hint=HOSTILE) from error
    npz_names(path.with_name(EXPECTED), ARRAYS)
    _text(path.with_name(GUIDE))
    return (*weights, *(path.with_name(name) for name in (*SCRIPTS, SPEC, EXPECTED, GUIDE)))


def _text(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > LARGEST_TEXT:
        raise CorruptFile(f"{path.name} of the build kit is missing, or too long.", hint=HOSTILE)
    try:
        return path.read_text(encoding="utf8")
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{path.name} of the build kit is no text.", hint=HOSTILE) from error


FORMAT = Format(
    "tensorrt",
    "a TensorRT build kit",
    ".onnx",
    _check,
    learn=Learn(
        does="An ONNX file in the precision that the engine will have, with scripts that build the engine on "
        "the GPU it is for, run it, and hold its outputs against those of the original.",
        costs="Building takes minutes, and an engine runs on one kind of GPU and version of TensorRT.",
        choose="For NVIDIA GPUs.",
        expect="Not measured by Whetstone: it has not been run on a GPU",
    ),
)
