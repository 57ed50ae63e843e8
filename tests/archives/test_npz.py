from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.archives.npz import npz_names
from core.archives.zips import ZipLimits
from core.bench.quality.predictions import GOLDEN_NAMES, save_golden
from core.errors import CorruptFile, InputError, UnsafeUpload


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(f"{name}.npy", content)
    return path


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def sparse(shape: tuple[int, ...]) -> bytes:
    """The header of a large array, without the array."""
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


def test_golden_samples_are_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    feeds = [{"x": np.ones((1, 3), np.float32), "ids": np.arange(4)} for _ in range(2)]
    save_golden(path, feeds, [[np.ones((1, 2), np.float16)], [np.array(True)]])
    assert sorted(npz_names(path, GOLDEN_NAMES)) == [
        *("input_0_0", "input_0_1", "input_1_0", "input_1_1"),
        *("output_0_0", "output_1_0"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("input_0_0", sparse((10**12,))),
        ("input_0_0", sparse((10**30, 10**30))),
        ("input_0_0", sparse((-1, 4))),
        ("input_0_0", saved(np.array([{"a": 1}], object))),
        ("input_0_0", saved(np.ones(4)) + b"more"),
        ("input_0_0", b"\x93NUMPY\x09\x00"),
        ("input_0_0", b"not an array"),
        ("../x", saved(np.ones(4))),
        ("output_0", saved(np.ones(4))),
        ("input_0_0", saved(np.zeros(10**8, np.uint8))),
    ],
)
def test_what_lies_about_itself_is_refused_unread(tmp_path: Path, name: str, content: bytes) -> None:
    path = archive(tmp_path / "golden.npz", **{name: content})
    with pytest.raises(InputError):
        npz_names(path, GOLDEN_NAMES, ZipLimits(total_bytes=10**7))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\x03\x04 and nothing")
    with pytest.raises(CorruptFile):
        npz_names(tmp_path / "a", GOLDEN_NAMES)
    with zipfile.ZipFile(tmp_path / "b", "w") as made:
        made.writestr("input_0_0", b"x")
    with pytest.raises(UnsafeUpload):
        npz_names(tmp_path / "b", GOLDEN_NAMES)
