"""Core ML packages are looked at without Core ML: manifest, program and weights."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from core.errors import CorruptFile, InputError, UnsafeUpload
from core.formats.check import check_artifact

DATA = "com.apple.CoreML"
MANIFEST: dict[str, Any] = {
    "fileFormatVersion": "1.0.0",
    "itemInfoEntries": {"A": {"path": f"{DATA}/model.mlmodel"}, "B": {"path": f"{DATA}/weights"}},
    "rootModelIdentifier": "A",
}
PROGRAM = b"\x08\x08" + b"\x12\x02ab" + b"\xb2\x1f\x03xyz"
"""Version 8, a description of two bytes, and a program (field 502) of three."""


def blobs(sentinel: int = 0xDEADBEEF, length: int = 8, count: int = 2) -> bytes:
    made = struct.pack("<II", count, 2).ljust(64, b"\0")
    for _ in range(2):
        held = struct.pack("<IIQQ", sentinel, 1, length, len(made) + 64).ljust(64, b"\0")
        made += held + b"w" * 8 + bytes(56)
    return made


def package(
    folder: Path, manifest: Any = MANIFEST, program: bytes = PROGRAM, weights: bytes | None = None
) -> tuple[Path, ...]:
    inside = folder / "model.mlpackage" / "Data" / DATA
    (inside / "weights").mkdir(parents=True, exist_ok=True)
    first = folder / "model.mlpackage" / "Manifest.json"
    first.write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    (inside / "model.mlmodel").write_bytes(program)
    (inside / "weights" / "weight.bin").write_bytes(blobs() if weights is None else weights)
    return first, inside / "model.mlmodel", inside / "weights" / "weight.bin"


def test_a_whole_package_passes_and_nothing_may_lie_in_it_besides(tmp_path: Path) -> None:
    files = package(tmp_path)
    check_artifact("mlpackage", files)
    stray = files[0].parent / "run.sh"
    stray.write_text("true")
    with pytest.raises(UnsafeUpload, match="does not belong"):
        check_artifact("mlpackage", (*files, stray))


def entries(path: str) -> dict[str, Any]:
    return {**MANIFEST, "itemInfoEntries": {"A": {"path": path}}}


@pytest.mark.parametrize(
    "broken",
    [
        {"manifest": "{"},
        {"manifest": "[]"},
        {"manifest": {**MANIFEST, "rootModelIdentifier": "C"}},
        {"manifest": entries(f"{DATA}/model.py")},
        {"manifest": entries("../../secret")},
        {"manifest": entries("/etc/passwd")},
        {"program": b"\x08\x08"},
        {"program": PROGRAM + b"\xda\x22\x00"},
        {"program": PROGRAM[:-1]},
        {"program": b""},
        {"weights": blobs(sentinel=1)},
        {"weights": blobs(length=2**40)},
        {"weights": blobs(count=3)},
        {"weights": b""},
    ],
    ids=[
        *("no JSON", "a list", "no root", "other files", "above", "elsewhere"),
        *("no program", "a custom model", "cut off", "empty"),
        *("no blob", "beyond", "too few", "no weights"),
    ],
)
def test_what_is_broken_or_reaches_out_is_refused(broken: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError):
        check_artifact("mlpackage", package(tmp_path, **broken))


def test_no_cut_and_no_changed_byte_breaks_the_check(tmp_path: Path) -> None:
    for name, whole in (("program", PROGRAM), ("weights", blobs())):
        for at in range(len(whole)):
            for content in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
                try:
                    check_artifact("mlpackage", package(tmp_path, **{name: content}))
                except (CorruptFile, UnsafeUpload):
                    continue
