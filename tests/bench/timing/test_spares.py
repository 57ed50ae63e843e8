"""Processes that wait for a measurement are those that it would start, and see as little."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.bench.quality.saved_outputs import read_outputs
from core.bench.timing import spares
from core.bench.timing.commands import OPEN, PREDICT, Predict
from core.bench.timing.endpoint import Endpoint, Host, timing_cores
from core.bench.timing.process_start import ProcessStart
from core.errors import WhetstoneError
from core.serde import to_plain
from core.work.folders import job_folder
from tests.bench.conftest import Chain


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for jobs; nothing that waits is left at the end."""
    (tmp_path / "jobs").mkdir()
    yield tmp_path / "jobs"
    spares.fill([], tmp_path / "jobs")
    assert not list((tmp_path / "jobs").iterdir())


def start_of(endpoint: Endpoint) -> ProcessStart:
    return ProcessStart.of(endpoint.target, endpoint.artifact.format, endpoint.model)


def wait_for(count: int, start: ProcessStart, jobs: Path) -> list[spares.Spare]:
    """Return so many processes that wait with their libraries."""
    for _ in range(count):
        spares.fill([start] * count, jobs)
        for each in spares._waiting:
            each._thread.join()
    return list(spares._waiting)


def test_a_spare_differs_from_a_process_on_demand_in_its_age_alone(chain: Chain, jobs: Path) -> None:
    (waiting,) = wait_for(1, start_of(chain(1)), jobs)
    cores = timing_cores(1)
    with job_folder(jobs) as folder, Host(chain(1), folder / "out" / "candidate", None, cores) as early:
        assert early._child is waiting.child
        with Host(chain(1), folder / "out" / "reference", None, cores) as late:
            early.ready(), late.ready()
            assert _seen(early) == _seen(late)
            assert early.open().call_ms > 0 < late.open().call_ms


def _seen(host: Host) -> dict[str, object]:
    """Return what could move the times of a process, or what it may do."""
    process = Path(f"/proc/{host._child.pid}")
    environment = dict(
        each.split("=", 1) for each in process.joinpath("environ").read_text().split("\0") if each
    )
    status = dict(line.split(":\t", 1) for line in process.joinpath("status").read_text().splitlines())
    return {
        "names": list(environment),
        "size": {name: len(value) for name, value in environment.items()},
        "arguments": process.joinpath("cmdline").read_text(),
        "limits": [
            line for line in process.joinpath("limits").read_text().splitlines() if "processes" not in line
        ],
        "folder": len(str(process.joinpath("cwd").readlink())),
        **{
            name: status[name] for name in ("Cpus_allowed_list", "Seccomp", "NoNewPrivs", "CapEff", "Threads")
        },
    }


def test_it_sees_what_it_was_given_alone(chain: Chain, jobs: Path, tmp_path: Path, rows: Path) -> None:
    wait_for(1, start_of(chain(1)), jobs)
    with Host(chain(1), tmp_path / "out", rows, set()) as host:
        asked = to_plain(host.opening)
        outside = {**asked, "artifact": {**asked["artifact"], "path": str(chain(1).artifact.path)}}
        with pytest.raises(WhetstoneError):
            host._child.call(OPEN.name, outside, 60)
        with pytest.raises(WhetstoneError, match="Permission denied"):
            host._child.call(OPEN.name, {**asked, "data": str(rows)}, 60)
        host.open()
        for forbidden in (tmp_path / "jobs", tmp_path / "out", Path(host.opening.data or "")):
            with pytest.raises(WhetstoneError, match="Permission denied"):
                host.ask(PREDICT, Predict(forbidden / "there", 1, None, copies=1, spare_bytes=0))


def test_what_it_wrote_lies_in_the_folder_when_it_has_ended(
    chain: Chain, jobs: Path, tmp_path: Path, rows: Path
) -> None:
    (waiting,) = wait_for(1, start_of(chain(1)), jobs)
    with Host(chain(1), tmp_path / "out", rows, set()) as host:
        host.open()
        host.ask(PREDICT, Predict(host.written / "predictions", None, None, copies=1, spare_bytes=1 << 30))
        assert not (tmp_path / "out").exists()
        assert host.opening.artifact.path.stat().st_nlink > 1, "its files are not copied"
    (found,) = read_outputs(tmp_path / "out" / "predictions")
    assert found.shape[0] == 21
    assert np.isfinite(found[:]).all()
    assert not psutil.pid_exists(waiting.child.pid)
    assert not list(jobs.iterdir())


def test_one_imports_at_a_time_and_what_is_not_wanted_ends(chain: Chain, jobs: Path) -> None:
    start = start_of(chain(1))
    other = ProcessStart(start.runtime, start.format, start.library, threads=2)
    spares.fill([start, start], jobs)
    spares._waiting[0].importing = True
    spares.fill([start, start], jobs)
    assert len(spares._waiting) == 1
    assert len(wait_for(2, start, jobs)) == 2
    assert spares.held() > 2 * 20e6
    assert spares.taken(other) is None
    spares.fill([other], jobs)
    assert [each.start for each in spares._waiting] == [other]


def test_short_memory_ends_all(chain: Chain, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (waiting,) = wait_for(1, start_of(chain(1)), jobs)
    monkeypatch.setattr(spares, "memory_available", lambda: spares.ROOM_BYTES - 1)
    spares.fill([waiting.start], jobs)
    assert not spares._waiting
    assert not psutil.pid_exists(waiting.child.pid)


def test_one_that_died_or_was_pushed_out_of_memory_is_not_taken(chain: Chain, jobs: Path) -> None:
    dead, thin = wait_for(2, start_of(chain(1)), jobs)
    os.killpg(dead.child.pid, signal.SIGKILL)
    while psutil.Process(dead.child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    thin._resident = int(1.1 * thin._resident)
    assert spares.taken(dead.start) is None
    assert not spares._waiting


def test_what_cannot_start_is_not_tried_again_and_again(chain: Chain, jobs: Path) -> None:
    wrong = ProcessStart("onnxruntime", "onnx", "", 1, module="no.such.module")
    wait_for(1, wrong, jobs)
    spares.fill([wrong], jobs)
    assert not spares._waiting
    spares.fill([wrong], jobs)
    assert not spares._waiting
