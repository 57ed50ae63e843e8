"""Hostile NumPy files."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets.arrays import headers
from core.datasets.arrays.headers import is_npy, is_npz, stored
from core.errors import CorruptFile, InputError, TooLarge, UnsafeUpload


def _npy(header: dict[str, Any], body: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + body


def _zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickled_objects_never_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    for name, save in (("a.npz", np.savez), ("a.npy", np.save)):
        save(tmp_path / name, np.array([Trap(sprung)], dtype=object))
        with pytest.raises(UnsafeUpload, match="could run code"):
            stored(tmp_path / name)
    whole = pickle.dumps(Trap(sprung))
    (tmp_path / "b.npy").write_bytes(whole)
    assert not is_npy(tmp_path / "b.npy")
    with pytest.raises(InputError):
        stored(_zip(tmp_path / "c.npz", x=whole))
    assert not sprung.exists()


@pytest.mark.parametrize("shape", [(10**15,), (10**9, 10**9, 10**9), (-1, 4), (3, 2**70)])
def test_a_claim_beyond_the_file_is_refused_before_it_is_allocated(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    data = _npy({"descr": "<f8", "fortran_order": False, "shape": shape}, b"\0" * 64)
    with pytest.raises(CorruptFile):
        stored(_zip(tmp_path / "a.npz", x=data))
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(CorruptFile):
        stored(tmp_path / "a.npy")


def test_records_and_strange_headers_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3, dtype=[("f", "f4")]))
    with pytest.raises(UnsafeUpload):
        stored(tmp_path / "a.npz")
    for number, header in enumerate((b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x09\x09", b"\x93NUMPY")):
        path = tmp_path / f"{number}.npy"
        path.write_bytes(header)
        with pytest.raises(InputError):
            stored(path)


def test_archives_that_unfold_too_far_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = _npy({"descr": "<f8", "fortran_order": False, "shape": (100_000,)}, b"\0" * 800_000)
    path = _zip(tmp_path / "a.npz", x=zeros, y=zeros)
    assert stored(path)["x"].read().sum() == 0
    monkeypatch.setattr(headers, "MAX_BYTES", 1_000_000)
    with pytest.raises(TooLarge):
        stored(path)


def test_cut_off_files_are_corrupt(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(1000))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[:500])
    assert is_npz(tmp_path / "a.npz")
    with pytest.raises(CorruptFile):
        stored(tmp_path / "a.npz")
    damaged = bytearray(whole)
    damaged[600] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(damaged)
    with pytest.raises(CorruptFile):
        stored(tmp_path / "a.npz")["x"].read()


def test_values_come_back_in_native_order(tmp_path: Path) -> None:
    wanted = np.arange(12, dtype=">f4").reshape(3, 4)
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(wanted))
    found = stored(tmp_path / "a.npz")["x"].read()
    assert found.dtype == np.dtype("<f4")
    np.testing.assert_array_equal(found, wanted)


def test_empty_and_missing_files_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.npz").touch()
    for path in (tmp_path / "a.npz", tmp_path / "none", tmp_path):
        assert not is_npy(path)
        assert not is_npz(path)


def test_any_damage_is_an_error_for_people(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(24.0).reshape(12, 2), y=np.arange(12), n=np.array(["a", "b"]))
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(12, 2))
    random = np.random.default_rng(0)
    refused = 0
    for name in ("a.npz", "a.npy"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(300):
            damaged = bytearray(whole)
            for place in random.integers(0, min(len(damaged), 200), 3):
                damaged[place] = random.integers(256)
            (tmp_path / f"b{name}").write_bytes(damaged)
            try:
                for item in stored(tmp_path / f"b{name}").values():
                    item.read()
            except InputError:
                refused += 1
    assert refused > 300
