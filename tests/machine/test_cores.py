"""The server keeps off the cores that are timed, and what measures gets all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import kill_worker

MANY = len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else False
pytestmark = pytest.mark.skipif(not MANY, reason="one core only: there is nothing to keep off")

SERVER = """
import json, os, threading, time
from core.machine.cores import given_cores, keep_off_timing
from core.machine.environment import usable_cores
from core.bench.timing.endpoint import timing_cores
given, timed, count = sorted(os.sched_getaffinity(0)), timing_cores(1), usable_cores()
gate, seen = threading.Event(), {}
def look(name):
    gate.wait()
    seen[name] = sorted(os.sched_getaffinity(0))
before = threading.Thread(target=look, args=("before",))
before.start()
keep_off_timing()
after = threading.Thread(target=look, args=("after",))
after.start()
gate.set(); before.join(); after.join()
from core.engine.worker import ensure_worker
ensure_worker()
print(json.dumps({"given": given, "timed": sorted(timed), "main": sorted(os.sched_getaffinity(0)), **seen,
                  "known": sorted(given_cores()), "same": count == usable_cores()}))
"""


@pytest.fixture
def told(data_dir: Path) -> Any:
    """Return what a server says of its cores, and its worker's."""
    done = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    try:
        lock = data_dir / "worker.lock"
        until = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        told["worker"] = sorted(os.sched_getaffinity(int(lock.read_text())))
    finally:
        kill_worker(data_dir)
    return told


def test_every_thread_of_the_server_leaves_the_timing_cores_and_its_worker_has_all(told: Any) -> None:
    for thread in ("main", "before", "after"):
        assert told[thread]
        assert not set(told[thread]) & set(told["timed"])
    assert told["worker"] == told["given"] == told["known"]
    assert told["same"], "the machine page tells the cores that measuring has"
