"""Real processes on one store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.domain.events import EventKind
from core.domain.run import RunStatus
from core.settings import Settings
from core.store import Store
from tests.store.values import a_request

ROOT = Path(__file__).parents[2]
Start = Callable[[str, str], "subprocess.Popen[str]"]


def read_lines(process: subprocess.Popen[str]) -> list[str]:
    out, errors = process.communicate("\n", timeout=120)
    assert process.returncode == 0, errors
    return out.split()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def together(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    """Let processes that are ready start at the same moment; return what they said."""
    assert [line_of(process) for process in processes] == ["ready"] * len(processes)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [read_lines(process) for process in processes]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    begun: list[subprocess.Popen[str]] = []
    names = {
        "WHETSTONE_DATA_DIR": str(settings.data_dir),
        "WHETSTONE_DATABASE_URL": settings.database_url,
        "OMP_NUM_THREADS": "1",
    }

    def begin(command: str, argument: str = "") -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.store.processes", command, argument],
                cwd=ROOT,
                env=os.environ | names,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


class ConcurrencyContract:
    def test_each_run_is_claimed_by_exactly_one_worker(self, store: Store, start: Start) -> None:
        request = a_request(store)
        made = {store.runs.create(request, str(number)).id for number in range(50)}
        claims = together([start("claim_all", "w1"), start("claim_all", "w2")])
        assert sorted(claims[0] + claims[1]) == sorted(made)
        owners = {item.run.id: item.run.worker for item in store.runs.list()}
        assert owners == {id: worker for worker, ids in zip(("w1", "w2"), claims, strict=True) for id in ids}

    def test_processes_open_a_new_store_at_once(self, start: Start) -> None:
        assert together([start("open_store", "") for _ in range(4)]) == [["0"]] * 4

    def test_killed_inside_a_transaction(self, store: Store, start: Start) -> None:
        run = store.runs.create(a_request(store), "run")
        store.events.append(run.id, EventKind.BUILT)
        process = start("stop_inside", run.id)
        assert line_of(process) == "inside"
        assert [event.kind for event in store.events.since(run.id)] == ["built"]
        process.kill()
        process.wait()
        store.events.append(run.id, EventKind.CACHED)
        assert [event.kind for event in store.events.since(run.id)] == ["built", "cached"]

    def test_killed_writer_leaves_whole_states_only(
        self, another: Callable[..., Store], start: Start
    ) -> None:
        said: list[str] = []
        for round in range(4):
            process = start("write_for_ever", f"writer {round}")
            said.append(line_of(process))
            time.sleep(0.15 + 0.037 * round)
            assert process.poll() is None, process.communicate()[1]
            process.kill()
            said += process.communicate()[0].split()
        check(another(), said)

    def test_same_blob_from_two_processes_and_a_sweep(
        self, store: Store, start: Start, tmp_path: Path
    ) -> None:
        path = tmp_path / "weights"
        path.write_bytes(b"weights" * 20_000)
        os.utime(path, (1.0, 1.0))
        said = together([start("add_blob", str(path)), start("add_blob", str(path)), start("sweep", "")])
        assert said[0] == said[1]
        assert said[2] == ["swept"]
        assert store.blobs.verify(said[0][0])
        assert len([item for item in store.blobs.root.rglob("*") if item.is_file()]) == 1


def check(store: Store, said: list[str]) -> None:
    """Assert that what was said is there, and that nothing is there by half."""
    listed = {item.run.id: item for item in store.runs.list()}
    assert set(said) <= set(listed)
    assert all(listed[id].run.status == RunStatus.DONE for id in said)
    for id, item in listed.items():
        assert item.total == 19  # the baseline does not count
        numbers = [event.sequence for event in store.events.since(id)]
        assert numbers == list(range(1, len(numbers) + 1))
    files = list(store.blobs.root.glob("??/*"))
    assert files
    assert all(store.blobs.verify(path.name) for path in files)
    if store._database.url.get_backend_name() == "sqlite":
        with store._database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


class TestSqlite(ConcurrencyContract):
    pass


class TestPostgres(ConcurrencyContract):
    on_server = True
