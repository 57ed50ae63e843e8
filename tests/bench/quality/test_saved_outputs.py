from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.bench.quality.saved_outputs import MOST_BYTES, open_saved, piece, read_outputs
from core.errors import RuntimeFailed


def test_outputs_are_read_in_order_and_their_absence_is_told(tmp_path: Path) -> None:
    for index in (0, 2, 10):
        np.save(tmp_path / f"{index}.npy", np.full(3, index))
    assert [int(output[0]) for output in read_outputs(tmp_path)] == [0, 2, 10]
    with pytest.raises(RuntimeFailed, match="no predictions"):
        read_outputs(tmp_path / "nothing")
    with pytest.raises(RuntimeFailed, match="more rows"):
        read_outputs(tmp_path, samples=2)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "bool"])
def test_every_piece_is_that_of_the_array(tmp_path: Path, dtype: str) -> None:
    array = (np.random.default_rng(0).standard_normal((6, 5, 4, 7)) * 10).astype(dtype)
    np.save(tmp_path / "0.npy", array)
    saved = open_saved(tmp_path / "0.npy")
    for before in (slice(0, 5), slice(1, 3), slice(4, 9)):
        for after in (slice(0, 7), slice(2, 4), slice(6, 20)):
            part = (slice(2, 5), before, slice(None), after)
            np.testing.assert_array_equal(piece(saved, part), array[part])
    np.testing.assert_array_equal(saved.reshape(6, 140)[:], array.reshape(6, 140))


def _header(path: Path, shape: tuple[int, ...], size: int | None = None, descr: str = "<f4") -> Path:
    """Write a header with nothing behind it: a file of any size on a few bytes of disk."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        start = file.tell()
    os.truncate(path, start + int(np.prod(shape, dtype=object)) * 4 if size is None else size)
    return path


def test_files_that_promise_too_much_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match="its size is not"):
        open_saved(_header(tmp_path / "0.npy", (10, 1 << 40), size=4096))
    with pytest.raises(RuntimeFailed, match="holds object"):
        open_saved(_header(tmp_path / "0.npy", (10,), descr="|O"))
    with pytest.raises(RuntimeFailed, match="no array"):
        open_saved(_text(tmp_path / "0.npy"))
    _header(tmp_path / "0.npy", (16, MOST_BYTES // 64))
    assert read_outputs(tmp_path)[0].shape[0] == 16
    _header(tmp_path / "1.npy", (16, MOST_BYTES // 64))
    with pytest.raises(RuntimeFailed, match="more than 4 GiB"):
        read_outputs(tmp_path)


def _text(path: Path) -> Path:
    path.write_text("no array at all")
    return path


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.ones((4, 1, 1, 100)))
    saved = open_saved(tmp_path / "0.npy")
    os.truncate(saved.path, 1000)
    with pytest.raises(RuntimeFailed, match="shorter"):
        piece(saved, (slice(4), slice(1), slice(None), slice(100)))
