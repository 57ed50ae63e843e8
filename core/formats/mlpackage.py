"""Core ML packages: a folder with a manifest, the program as a protocol buffer, and its weights.

Source: https://github.com/apple/coremltools, mlmodel/format/Model.proto and mlmodel/src/MILBlob.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path, PurePosixPath

from core.complaints import complaint
from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.formats.protobuf import LENGTH, VARINT, fields
from core.protocols import Format

MANIFEST, LONGEST = "Manifest.json", 1 << 16
ITEMS = {"com.apple.CoreML/model.mlmodel", "com.apple.CoreML/weights"}
MODEL, WEIGHTS = "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights"
VERSION_FIELD, PROGRAM_FIELD = 1, 502
KNOWN_FIELDS = frozenset({VERSION_FIELD, 2, 10, PROGRAM_FIELD})
"""Of the message ``Model``: version, description, whether it learns, and the program. Other kinds of models,
such as custom ones with code in the app, are none of ours."""
BLOBS, SENTINEL, BLOCK = 2, 0xDEADBEEF, 64
"""Version of the weights' file, what each blob begins with, and how all of it is aligned."""

BROKEN = (OSError, ValueError, struct.error, LookupError, TypeError, AttributeError, RecursionError)


def _check(path: Path) -> tuple[Path, ...]:
    folder = path.parent
    try:
        _manifest(path)
        _program(folder / MODEL)
        weights = sorted((folder / WEIGHTS).glob("*.bin"))
        for each in weights:
            _blobs(each)
    except BROKEN as error:
        raise CorruptFile(
            f"{path.parent.name} is no Core ML package: {complaint(error)}.", hint=HOSTILE
        ) from error
    return (folder / MODEL, *weights)


def _manifest(path: Path) -> None:
    if path.name != MANIFEST or path.stat().st_size > LONGEST:
        raise ValueError("its manifest is missing or too long")
    held = json.loads(path.read_text(encoding="utf8"))
    entries = held["itemInfoEntries"] if isinstance(held, dict) and "itemInfoEntries" in held else {}
    paths = {str(each["path"]) for each in entries.values() if isinstance(each, dict) and "path" in each}
    if any(".." in PurePosixPath(each).parts or each.startswith("/") for each in paths):
        raise UnsafeUpload("The manifest names files outside of the package.", hint=HOSTILE)
    if not paths or not paths <= ITEMS or held.get("rootModelIdentifier") not in entries:
        raise ValueError("its manifest names other files than a program and its weights")


def _program(path: Path) -> None:
    """Check that the file is a protocol buffer of an ML program."""
    wires = {(number, wire) for number, wire, *_ in fields(path.read_bytes())}
    if any(wire not in (VARINT, LENGTH) for _, wire in wires):
        raise ValueError("it is no protocol buffer of a model")
    found = {number for number, _ in wires}
    if not found <= KNOWN_FIELDS or PROGRAM_FIELD not in found:
        raise ValueError("it is another kind of model than an ML program")


def _blobs(path: Path) -> None:
    """Check that all weights lie inside their file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        count, version = struct.unpack("<II", file.read(8))
        if version != BLOBS:
            raise ValueError("its weights are of another version")
        at = BLOCK
        for _ in range(count):
            file.seek(at)
            sentinel, _, length, offset = struct.unpack("<IIQQ", file.read(24))
            if sentinel != SENTINEL or offset < at or offset + length > size:
                raise ValueError("weights lie beyond their file")
            at = -(-(offset + length) // BLOCK) * BLOCK


FORMAT = Format(
    "mlpackage",
    "a Core ML package",
    ".mlpackage",
    _check,
    learn=Learn(
        does="A folder with a program of Core ML's operators and its weights.",
        costs="Only Apple's systems run it.",
        choose="For apps on iOS and macOS.",
        expect="4 bytes a parameter in FP32, 2 in FP16, 1 or less with compressed weights",
    ),
)
