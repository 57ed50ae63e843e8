"""ExecuTorch programs are followed to their plans and data without ExecuTorch."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CorruptFile, InputError, UnsafeUpload
from core.formats.check import check_artifact
from tests.formats.pte_files import program


def check(content: bytes, folder: Path) -> None:
    path = folder / "model.pte"
    path.write_bytes(content)
    check_artifact("pte", (path,))


def test_a_whole_file_passes(tmp_path: Path) -> None:
    check(program(), tmp_path)


def test_another_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="no ExecuTorch program"):
        check(b"PK\x03\x04" + bytes(100), tmp_path)


def test_layers_are_handed_to_xnnpack_alone(tmp_path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="LoadLibraryBackend"):
        check(program(delegate="LoadLibraryBackend"), tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        program(plans=0),
        program(length=17),
        program(length=2**63),
        program(index=1),
        program(reads=1),
        program(reads=-1),
        program()[:60],
    ],
    ids=["no plan", "data beyond", "data far beyond", "no such data", "no such value", "below", "cut off"],
)
def test_what_is_broken_is_refused(broken: bytes, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile):
        check(broken, tmp_path)


def test_no_cut_and_no_changed_byte_breaks_the_check(tmp_path: Path) -> None:
    whole = program()
    for at in range(8, len(whole)):
        for content in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            try:
                check(content, tmp_path)
            except InputError:
                continue
