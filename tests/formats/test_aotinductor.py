"""Packages as AOTInductor writes them, and what may not lie in one."""

from __future__ import annotations

import platform
import zipfile
from pathlib import Path

import pytest

from core.errors import CorruptFile, InputError, UnsafeUpload
from core.formats.aotinductor import CODE, MACHINES
from core.formats.check import check_artifact

LIBRARY = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + MACHINES[platform.machine()].to_bytes(2, "little")
HONEST = {
    "model/archive_format": b"pt2",
    "model/.data/serialization_id": b"1",
    f"model/{CODE}k.wrapper.so": LIBRARY,
    f"model/{CODE}k.wrapper.cpp": b"int main() {}",
    f"model/{CODE}k_metadata.json": b"{}",
}


def package(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_package_with_one_library_of_this_processor_passes(tmp_path: Path) -> None:
    check_artifact("aotinductor", (package(tmp_path / "model.pt2", HONEST),))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({f"model/{CODE}k.wrapper.so": b"MZ" + LIBRARY}, CorruptFile),
        ({f"model/{CODE}k.wrapper.so": LIBRARY[:18] + b"\x08\x00"}, CorruptFile),
        ({f"model/{CODE}second.so": LIBRARY}, CorruptFile),
        ({f"model/{CODE}k_metadata.json": b"{"}, CorruptFile),
        ({"model/data/weights/weight_0": b"\x80\x02c"}, UnsafeUpload),
        ({"model/data/constants/custom_obj_0": b"\x80\x02c"}, UnsafeUpload),
        ({f"model/{CODE}inner/k.cpp": b""}, UnsafeUpload),
        ({f"model/{CODE}k.py": b"import os"}, UnsafeUpload),
        ({"model/extra/k.so": LIBRARY}, UnsafeUpload),
    ],
)
def test_what_does_not_belong_into_one_is_refused(
    tmp_path: Path, change: dict[str, bytes], error: type[InputError]
) -> None:
    with pytest.raises(error) as caught:
        check_artifact("aotinductor", (package(tmp_path / "model.pt2", HONEST | change),))
    assert caught.value.hint


def test_a_package_without_a_library_and_a_program_are_none(tmp_path: Path) -> None:
    without = {name: content for name, content in HONEST.items() if not name.endswith(".so")}
    with pytest.raises(CorruptFile, match="0 libraries"):
        check_artifact("aotinductor", (package(tmp_path / "model.pt2", without),))
    with pytest.raises(UnsafeUpload, match="pt2"):
        check_artifact("aotinductor", (package(tmp_path / "p.pt2", {"model/models/model.json": b"{}"}),))
