"""A disk that is full, a folder that may not be written, a database that is none: all are said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import cli
from core.engine import open_store
from core.errors import ChildCrashed, StoreUnusable
from core.sandbox.process import Child
from core.settings import get_settings
from core.work.folders import job_folder
from sample_models.catalogue import by_id

MODEL = str(by_id("cancer-mlp").files["onnx"])
COMMANDS = (["runs"], ["inspect", MODEL], ["optimize", MODEL], ["worker", "--idle", "0"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file, below which no folder can be, not even for the system's administrator."""
    (tmp_path / "file").write_bytes(b"not a folder")
    return tmp_path / "file"


def said(capsys: pytest.CaptureFixture[str], command: list[str], code: int) -> str:
    assert cli.main(command) == code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return " ".join(text.split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_data_folder_that_cannot_be(
    command: list[str], file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHETSTONE_DATA_DIR", str(file / "data"))
    get_settings.cache_clear()
    assert "Not a directory" in said(capsys, command, 1)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_that_is_none(
    command: list[str], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir.mkdir()
    database = data_dir / "whetstone.db"
    database.write_bytes(b"\xf3\x01" * 4000)
    text = said(capsys, command, 1)
    assert "file is not a database" in text
    assert "restore it from a backup" in text
    assert database.read_bytes() == b"\xf3\x01" * 4000


@pytest.mark.parametrize("below", ["out", ""])
@pytest.mark.parametrize("command", [["optimize", MODEL], ["resume", "a-run"], ["kit", "a-candidate"]])
def test_results_that_cannot_be_written_are_refused_before_any_work(
    command: list[str], below: str, file: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, [*command, "--out", str(file / below)], 2)
    assert "cannot be written" in text
    assert "--out" in text
    assert not data_dir.exists()


def test_a_full_disk_is_named_by_whoever_meets_it(data_dir: Path) -> None:
    with open_store() as store:
        with (
            pytest.raises(StoreUnusable, match="No space left on device") as caught,
            job_folder(store.jobs_dir),
            open("/dev/full", "wb", buffering=0) as full,  # noqa: PTH123
        ):
            full.write(b"x")
        assert "Delete old runs" in caught.value.hint
        with (
            pytest.raises(StoreUnusable, match="No space left on device"),
            job_folder(store.jobs_dir) as folder,
        ):
            fill(folder)
        assert not list(store.jobs_dir.iterdir())


def fill(folder: Path) -> None:
    """Meet a full disk in a working process."""
    with Child("tests.robustness.filling", writes=folder, confined=False) as child:
        child.call("fill", {"path": "/dev/full"}, 60)


def test_other_crashes_keep_their_name(data_dir: Path) -> None:
    with (
        open_store() as store,
        pytest.raises(ChildCrashed, match="no_such"),
        job_folder(store.jobs_dir) as folder,
        Child("tests.robustness.filling", writes=folder, confined=False) as child,
    ):
        child.call("no_such", {}, 60)
