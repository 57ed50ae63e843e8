from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from core.domain.model import FileRef
from core.errors import InvalidRequest, NotFound, UnsafeUpload
from core.store import Blobs
from tests.store.values import stored


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights" * 1000)
    return path


def files_of(blobs: Blobs) -> list[Path]:
    return [path for path in blobs.root.rglob("*") if path.is_file()]


def test_same_content_is_stored_once(blobs: Blobs, source: Path) -> None:
    content = source.read_bytes()
    first = blobs.add(source, "a.onnx")
    second = blobs.add(source, "sub/b.onnx")
    assert first.sha256 == second.sha256 == hashlib.sha256(content).hexdigest()
    assert (first.name, second.name, first.size) == ("a.onnx", "sub/b.onnx", 7000)
    assert files_of(blobs) == [blobs.path(first)]
    assert blobs.path(first).read_bytes() == content
    assert source.exists()


def test_blobs_are_read_only(blobs: Blobs, source: Path) -> None:
    path = blobs.path(blobs.add(source))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_links_folders_and_devices_are_refused(blobs: Blobs, source: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(source)
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path):
        with pytest.raises(UnsafeUpload):
            blobs.add(path, "x")
    assert source.exists()
    with pytest.raises(NotFound):
        blobs.add(tmp_path / "absent")


@pytest.mark.parametrize("name", ["", ".", "/etc/passwd", "../up", "a/../../up", "c:\\x", "a\\b", "nul\0"])
def test_escaping_names_are_refused(blobs: Blobs, tmp_path: Path, name: str) -> None:
    file = stored(blobs, b"x", "x")
    with pytest.raises(InvalidRequest):
        stored(blobs, b"x", name)
    with pytest.raises(InvalidRequest):
        blobs.lay_out([FileRef(name, file.sha256, 1)], tmp_path / "job")


def test_linked_sub_folder_is_no_way_out(blobs: Blobs, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidRequest, match="leads out"):
        blobs.lay_out([stored(blobs, b"x", "sub/x")], tmp_path / "job")
    assert not list((tmp_path / "outside").iterdir())


def test_lay_out_links_with_sub_folders(blobs: Blobs, tmp_path: Path) -> None:
    files = [stored(blobs, b"one", "model.onnx"), stored(blobs, b"two", "data/deep/0.npy")]
    for _ in range(2):
        laid = blobs.lay_out(files, tmp_path / "job")
    assert laid == (tmp_path / "job/model.onnx", tmp_path / "job/data/deep/0.npy")
    assert [path.read_bytes() for path in laid] == [b"one", b"two"]
    assert laid[0].samefile(blobs.path(files[0]))


def test_lay_out_copies_where_links_are_impossible(blobs: Blobs) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == blobs.root.parent.stat().st_dev:
        pytest.skip("no second file system here")
    folder = shared / f"whetstone-job-{os.getpid()}"
    (laid,) = blobs.lay_out([stored(blobs, b"one", "a")], folder)
    assert laid.read_bytes() == b"one"
    assert stat.S_IMODE(laid.stat().st_mode) == 0o400
    laid.unlink()
    folder.rmdir()


def test_absent_content(blobs: Blobs) -> None:
    for sha256 in ("0" * 64, "../../../etc/passwd", ""):
        assert not blobs.verify(sha256)
        with pytest.raises(NotFound):
            blobs.path(sha256)


def test_damage_is_noticed_and_healed_by_adding_again(blobs: Blobs, source: Path) -> None:
    file = blobs.add(source)
    damaged = blobs.path(file)
    damaged.chmod(0o644)
    damaged.write_bytes(b"Weights" * 1000)
    assert not blobs.verify(file.sha256)
    blobs.add(source)
    assert blobs.verify(file.sha256)


def test_sweep_spares_the_kept_and_the_young(blobs: Blobs) -> None:
    kept, young, old = (stored(blobs, text, "x") for text in (b"kept", b"young", b"old"))
    left = blobs.root / "tmp" / "left"
    left.write_bytes(b"half a file")
    for path in (blobs.path(kept), blobs.path(old), left):
        os.utime(path, (1.0, 1.0))
    assert blobs.sweep({kept.sha256}) == len(b"old") + len(b"half a file")
    assert set(files_of(blobs)) == {blobs.path(kept), blobs.path(young)}


def test_adding_again_renews_the_age(blobs: Blobs, source: Path) -> None:
    file = blobs.add(source)
    os.utime(blobs.path(file), (1.0, 1.0))
    os.utime(source, (1.0, 1.0))
    blobs.add(source)
    assert blobs.sweep(set()) == 0
    assert blobs.verify(file.sha256)
