"""Nobody but the owner may read what is stored, whatever the umask and whatever was there before."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import Store
from core.store.private import close
from tests.store.values import a_model

FILL = """
import os, sys
os.umask(0)
from core.engine.worker import only_worker
from core.store import Store
from core.settings import get_settings
from tests.store.values import a_model
with Store() as store, only_worker(get_settings().data_dir):
    a_model(store)
    store.jobs_dir
    print(sorted(os.listdir(get_settings().data_dir)))
"""


def open_to_others(folder: Path) -> dict[str, str]:
    paths = [folder, *folder.rglob("*")]
    modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in paths}
    return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


def test_all_that_is_stored_is_private_under_any_umask(data_dir: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("blobs", "jobs", "whetstone.db", "whetstone.db-wal", "worker.lock"):
        assert name in done.stdout
    assert len([path for path in data_dir.rglob("*") if path.is_file()]) >= 3
    assert open_to_others(data_dir) == {}


def test_what_an_earlier_version_left_open_is_closed(data_dir: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=data_dir)
    with Store(settings) as store:
        model = a_model(store)
    for path in [*data_dir.rglob("*"), data_dir]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    outside = tmp_path / "outside"
    outside.touch(0o644)
    (data_dir / "blobs" / "link").symlink_to(outside)
    theirs = data_dir / "notes.txt"
    theirs.touch(0o644)
    with Store(settings) as store:
        assert store.blobs.verify(model.files[0].sha256)
    assert open_to_others(data_dir).keys() == {str(theirs), str(data_dir / "blobs" / "link")}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_a_folder_for_everybody_stays_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert not close(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_is_somebody_elses_stays_theirs(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 12345, 12345)
    assert not close(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
