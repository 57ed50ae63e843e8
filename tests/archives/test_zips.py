from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from core.archives.zips import ZipLimits, extract_zip, inspect_zip
from core.errors import CorruptFile, UnsafeUpload


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.zip"


def make(path: Path, *entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of duplicate names
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in entries:
                archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return path


def test_unpacks_an_honest_archive(path: Path, tmp_path: Path) -> None:
    make(path, ("pets/", b""), ("pets/cat/1.png", b"cat"), ("pets/dog/Ü 1.png", b"dog"), ("README", b""))
    assert len(inspect_zip(path)) == 4
    files = extract_zip(path, tmp_path / "out")
    assert [file.relative_to(tmp_path / "out").as_posix() for file in files] == [
        *("pets/cat/1.png", "pets/dog/Ü 1.png", "README")
    ]
    assert files[0].read_bytes() == b"cat"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/cron.d/x", "points outside"),
        ("../../x", "points outside"),
        ("a/../../x", "points outside"),
        ("..\\x", "points outside"),
        ("C:/x", "points outside"),
        ("C:\\x", "points outside"),
        (".", "points outside"),
        ("a\nb", "control character"),
        ("x" * 300, "too long"),
        ("a/" * 600, "too long"),
    ],
)
def test_refuses_names(path: Path, tmp_path: Path, name: str, why: str) -> None:
    make(path, ("fine", b"1"), (name, b"x"))
    with pytest.raises(UnsafeUpload, match=why):
        extract_zip(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refuses_a_name_that_hides_a_null(path: Path) -> None:
    make(path, ("evilXtxt", b"x"))
    path.write_bytes(path.read_bytes().replace(b"evilXtxt", b"evil\0txt"))
    with pytest.raises(UnsafeUpload, match="control character"):
        inspect_zip(path)


def test_refuses_the_same_name_twice(path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="twice"):
        inspect_zip(make(path, ("a/b", b"1"), ("a/b", b"2")))
    with pytest.raises(UnsafeUpload, match="twice"):
        inspect_zip(make(path, ("a/b", b"1"), ("a//b", b"2")))


@pytest.mark.parametrize(("kind", "why"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "device or pipe")])
def test_refuses_links_and_special_files(path: Path, kind: int, why: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("passwords")
        entry.external_attr = (kind | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UnsafeUpload, match=why):
        inspect_zip(path)


def test_refuses_encrypted_entries(path: Path) -> None:
    content = bytearray(make(path, ("a", b"x")).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(UnsafeUpload, match="encrypted"):
        inspect_zip(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_refuses_unusual_compression(path: Path, method: int) -> None:
    with pytest.raises(UnsafeUpload, match="unusual way"):
        inspect_zip(make(path, ("a", b"x"), method=method))


def test_refuses_too_many_entries_and_too_much(path: Path) -> None:
    make(path, *((str(i), b"12345") for i in range(20)))
    with pytest.raises(UnsafeUpload, match="20 entries"):
        inspect_zip(path, ZipLimits(entries=19))
    with pytest.raises(UnsafeUpload, match="unpacks to"):
        inspect_zip(path, ZipLimits(total_bytes=99))


def test_refuses_a_bomb_by_its_ratio(path: Path) -> None:
    make(path, ("zeros", bytes(3_000_000)))
    assert inspect_zip(path), "small archives may compress well"
    with pytest.raises(UnsafeUpload, match="zip bombs"):
        inspect_zip(path, ZipLimits(ratio_from_bytes=1_000_000))


def test_does_not_open_archives_in_archives(path: Path, tmp_path: Path) -> None:
    inner = make(tmp_path / "inner.zip", ("../x", b"x")).read_bytes()
    (file,) = extract_zip(make(path, ("inner.zip", inner)), tmp_path / "out")
    assert file.read_bytes() == inner


def test_refuses_overlapping_entries(path: Path) -> None:
    content = bytearray(
        make(path, ("a", b"x" * 500), ("b", b"y" * 500), method=zipfile.ZIP_STORED).read_bytes()
    )
    second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 1)
    content[second + 42 : second + 46] = struct.pack(
        "<I", 0
    )  # the second entry now starts where the first does
    path.write_bytes(content)
    with pytest.raises(UnsafeUpload, match="overlaps"):
        inspect_zip(path)


def test_refuses_bytes_in_front(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n" + make(path, ("a", b"x")).read_bytes())
    with pytest.raises(CorruptFile, match="not a zip"):
        inspect_zip(path)
    path.write_bytes(b"PK\3\4 hidden" + make(path, ("a", b"x")).read_bytes())
    with pytest.raises(UnsafeUpload, match="hidden bytes"):
        inspect_zip(path)


def test_counts_what_really_comes_out(path: Path, tmp_path: Path) -> None:
    content = make(path, ("a", b"x" * 100_000)).read_bytes()
    for old in (struct.pack("<I", 100_000),):
        content = content.replace(old, struct.pack("<I", 10))
    path.write_bytes(content)
    assert inspect_zip(path)[0].file_size == 10
    with pytest.raises((UnsafeUpload, CorruptFile)):
        extract_zip(path, tmp_path / "out")
    assert (tmp_path / "out" / "a").stat().st_size <= 10


@pytest.mark.parametrize("keep", [0, 3, 40, 100, 150])
def test_truncated_and_foreign_files_are_corrupt(path: Path, keep: int) -> None:
    path.write_bytes(make(path, ("a", b"x" * 100), method=zipfile.ZIP_STORED).read_bytes()[:keep])
    with pytest.raises(CorruptFile):
        inspect_zip(path)


def test_broken_content_is_corrupt(path: Path, tmp_path: Path) -> None:
    content = bytearray(make(path, ("a", b"hello hello hello" * 9)).read_bytes())
    content[35] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptFile):
        extract_zip(path, tmp_path / "out")


def test_a_file_that_is_also_a_folder_is_corrupt(path: Path, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match="as a file and as a folder"):
        extract_zip(make(path, ("a", b"x"), ("a/b", b"y")), tmp_path / "out")
