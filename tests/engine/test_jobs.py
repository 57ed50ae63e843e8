from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from core.engine import open_store
from core.engine.jobs import Stop, job_folder, sweep_jobs
from core.engine.kits import kit_file, sweep_kits
from core.errors import Cancelled
from core.sandbox.process import Child


def test_a_sweep_removes_what_the_dead_left_and_nothing_that_is_in_use(data_dir: Path) -> None:
    with open_store() as store:
        left = store.jobs_dir / "left"
        (left / "out").mkdir(parents=True)
        (left / "out" / "model.onnx").write_bytes(b"half")
        with job_folder(store) as folder:
            sweep_jobs(store)
            assert folder.is_dir()
            assert not left.exists()
        assert not folder.exists()


def test_a_sweep_spares_a_kit_that_somebody_may_be_downloading(data_dir: Path) -> None:
    with open_store() as store:
        sweep_kits(store)
        young, old = kit_file(store, "young"), kit_file(store, "old")
        young.parent.mkdir()
        for kit in (young, old):
            kit.write_bytes(b"kit")
        hour_ago = time.time() - 3600
        os.utime(old, (hour_ago, hour_ago))
        sweep_kits(store)
        assert young.exists()
        assert not old.exists()


def test_a_stop_between_the_check_and_the_registration_still_ends_the_step(tmp_path: Path) -> None:
    stop, seen = Stop(), []

    def step() -> None:
        with Child("core.sandbox.entry", reads=(), writes=tmp_path) as child:
            try:
                with stop.watching(child):
                    seen.append("went on")
            except Cancelled:
                seen.append("cancelled")

    thread = threading.Thread(target=step)
    with stop._lock:  # keeps the step where the gap was
        thread.start()
        thread.join(1.0)
        assert thread.is_alive()
        stop.event.set()
    thread.join()
    assert seen == ["cancelled"]
    with pytest.raises(Cancelled):
        stop.check()
