"""Files that several hosts share."""

from __future__ import annotations

import os
import pickle
import time
import traceback
from pathlib import Path

import pytest

from core.domain.model import FileRef
from core.errors import InvalidRequest, NotFound
from core.settings import Settings, get_settings
from core.store import Store
from core.store.blobs import Blobs
from core.store.shared import SharedBlobs
from tests.store.values import a_model, a_request, stored


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "shared")


@pytest.fixture
def ours(tmp_path: Path, url: str) -> SharedBlobs:
    return SharedBlobs(tmp_path / "ours", url)


@pytest.fixture
def theirs(tmp_path: Path, url: str) -> SharedBlobs:
    return SharedBlobs(tmp_path / "theirs", url)


def remote(url: str, file: FileRef) -> Path:
    return Path(url) / file.sha256[:2] / file.sha256


def test_what_one_host_adds_another_finds(ours: SharedBlobs, theirs: SharedBlobs, tmp_path: Path) -> None:
    file = stored(ours, b"weights", "a/model.onnx")
    assert theirs.holds([file])
    (laid,) = theirs.lay_out([file], tmp_path / "job")
    assert laid.read_bytes() == b"weights"
    assert theirs.verify(file.sha256)
    absent = FileRef("x", "0" * 64, 1)
    assert not theirs.holds([file, absent])
    assert not theirs.verify(absent.sha256)
    with pytest.raises(NotFound, match="not in the store"):
        theirs.path(absent)


def test_what_was_changed_on_the_way_is_refused(ours: SharedBlobs, theirs: SharedBlobs, url: str) -> None:
    file = stored(ours, b"weights", "model.onnx")
    there = remote(url, file)
    there.chmod(0o600)
    there.write_bytes(b"malware")
    with pytest.raises(NotFound, match="damaged"):
        theirs.path(file)
    assert not theirs.verify(file.sha256)
    stored(ours, b"weights", "model.onnx")
    assert theirs.path(file).read_bytes() == b"weights"


def test_files_from_before_are_shared_on_demand(ours: SharedBlobs, theirs: SharedBlobs) -> None:
    file = stored(Blobs(ours.root), b"old", "model.onnx")
    assert not theirs.holds([file])
    ours.share([file])
    assert theirs.path(file).read_bytes() == b"old"


def test_a_sweep_reaches_the_shared_store_and_spares_what_is_young_or_used(
    ours: SharedBlobs, url: str
) -> None:
    used, old, young = (stored(ours, content, "x") for content in (b"used", b"old", b"young"))
    hour_ago = time.time() - 3600
    for file in (used, old):
        os.utime(remote(url, file), (hour_ago, hour_ago))
    ours.sweep({used.sha256}, 60.0)
    assert [remote(url, file).exists() for file in (used, old, young)] == [True, False, True]


def test_sent_to_a_node_it_has_the_nodes_own_copies(
    ours: SharedBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stored(ours, b"weights", "model.onnx")
    monkeypatch.setenv("WHETSTONE_DATA_DIR", str(tmp_path / "node"))
    get_settings.cache_clear()
    arrived: SharedBlobs = pickle.loads(pickle.dumps(ours))
    assert arrived.path(file).is_relative_to(tmp_path / "node" / "node")
    arrived.forget_old()
    assert Blobs(arrived.root).holds([file])


def test_a_run_can_be_executed_and_an_upload_deleted_where_its_files_are_shared(
    tmp_path: Path, url: str
) -> None:
    database = f"sqlite:///{tmp_path / 'db'}"
    one, two = (
        Store(Settings(data_dir=tmp_path / name, database_url=database, shared_store=url), grace_s=0.0)
        for name in ("one", "two")
    )
    with one, two:
        run = one.runs.create(a_request(one), "run")
        assert two.can_execute(run)
        two.runs.request_cancel(run.id)
        model = a_model(one)
        two.uploads.delete(model.id, with_runs=True)
        assert not remote(url, model.files[0]).exists()


@pytest.mark.parametrize("wrong", ["nonsense://me:secret@x/y", "s3://", "s3://me:a/secret@no bucket/x"])
def test_a_shared_store_that_cannot_be_is_refused_without_its_keys(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="shared store") as caught:
        SharedBlobs(tmp_path, wrong)
    assert "secret" not in "".join(traceback.format_exception(caught.value))  # what a log holds of it
    assert "WHETSTONE_SHARED_STORE" in caught.value.hint
