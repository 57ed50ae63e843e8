"""LiteRT files are followed to their graphs and weights without LiteRT."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CorruptFile, UnsafeUpload
from core.formats.check import check_artifact
from tests.formats.tflite_files import litert


def check(content: bytes, folder: Path) -> None:
    path = folder / "model.tflite"
    path.write_bytes(content)
    check_artifact("tflite", (path,))


def test_a_whole_file_passes(tmp_path: Path) -> None:
    check(litert(), tmp_path)


def test_another_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="no LiteRT model"):
        check(b"PK\x03\x04" + bytes(100), tmp_path)


@pytest.mark.parametrize(
    "broken",
    [litert(version=2), litert(graphs=0), litert(length=1000), litert(length=2**32 - 1), litert()[:40]],
    ids=["version", "no graph", "weights beyond", "weights far beyond", "cut off"],
)
def test_what_is_broken_is_refused(broken: bytes, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile):
        check(broken, tmp_path)


def test_no_cut_and_no_changed_byte_breaks_the_check(tmp_path: Path) -> None:
    whole = litert()
    for at in range(8, len(whole)):
        for content in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            try:
                check(content, tmp_path)
            except CorruptFile:
                continue
