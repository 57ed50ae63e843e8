"""The worker: takes queued runs one after the other, so that no two measurements disturb each other.

One worker works per data folder, held by a file lock that the system frees however the worker ends. Workers
of several data folders, or hosts, may share a database server: each queued run goes to one of them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core.domain.run import Run
from core.engine.ahead import Ahead
from core.engine.checkpoints import sweep_checkpoints
from core.engine.execute import execute
from core.engine.kits import sweep_kits
from core.engine.structure import forget_structures
from core.errors import StoreUnusable
from core.machine.cores import all_cores
from core.settings import get_settings
from core.store.claims import ClaimLost
from core.store.private import private_file, private_folder
from core.store.store import Store
from core.store.work import Pulse
from core.work.folders import sweep_jobs
from core.work.stop import Stop

IDLE_S = 60.0
READY_S = 3600.0
"""The same for a dashboard's worker, which is there before its first run."""
POLL_S = 0.2
LOCK = "worker.lock"
BEATS_TO_DEATH = 15
STARTING_S = 8.0
"""Seconds that a worker may take to start; who waited longer waited for another run."""
LOG = logging.getLogger(__name__)


def _lock_file(folder: Path) -> Path:
    return private_file(private_folder(folder) / LOCK)


def _locked(file: TextIO, how: int, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(POLL_S / 10)


@contextmanager
def only_worker(folder: Path) -> Iterator[bool]:
    """Hold the data folder's worker lock, with our process id in it; yields False where another holds it."""
    with _lock_file(folder).open("a") as file:
        # Those who only ask whether a worker lives hold the lock for an instant: wait that long for them.
        held = _locked(file, fcntl.LOCK_EX, patience_s=1.0)
        if held:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield held


@contextmanager
def no_worker(folder: Path) -> Iterator[bool]:
    """Keep workers of the data folder from starting meanwhile; yields False where one is at work."""
    with _lock_file(folder).open("a") as file:
        yield _locked(file, fcntl.LOCK_SH, patience_s=0.0)


def worker_alive(folder: Path) -> bool:
    """Whether some worker holds the data folder."""
    with no_worker(folder) as free:
        return not free


class Heartbeat(threading.Thread):
    """Beats while a run is executed; stops the work when the run was cancelled, paused or taken away."""

    def __init__(self, store: Store, run: Run, worker: str, stop: Stop) -> None:
        super().__init__(daemon=True)
        self._store, self._run_id, self._worker, self._stop_work = store, run.id, worker, stop
        self._over = threading.Event()

    def run(self) -> None:
        """Beat until `end`."""
        before = time.monotonic()
        while not self._over.wait(get_settings().heartbeat_s):
            now = time.monotonic()
            try:
                pulse = self._store.work.heartbeat(self._run_id, self._worker, now - before)
            except StoreUnusable as error:
                # A full disk or a lock held for long may pass; the next beat adds these seconds, too.
                LOG.warning("No heartbeat for the run %s: %s Trying again.", self._run_id, error.message)
                continue
            if not pulse:
                self._stop_work.set()
                return
            if pulse is Pulse.REST:
                self._stop_work.rest()
            if pulse is Pulse.FINISH:
                self._stop_work.finish()
            before = now

    def end(self) -> None:
        """Stop beating."""
        self._over.set()
        self.join()


def _deadline(run: Run) -> float | None:
    """Return when the budget is over: it counts from the click, but not what was spent in the queue."""
    budget = run.request.budget_s
    if budget is None:
        return None
    waited = time.time() - run.created
    started = waited if waited < STARTING_S else 0.0
    return time.monotonic() + budget - run.elapsed_s - started


def _work_on(store: Store, run: Run, worker: str) -> None:
    stop = Stop(_deadline(run))
    heartbeat = Heartbeat(store, run, worker, stop)
    heartbeat.start()
    try:
        execute(store, run, worker, stop)
    except ClaimLost:
        # Somebody took this worker for dead; the run is no longer its own to write.
        return
    finally:
        heartbeat.end()


def work(idle_s: float = IDLE_S, beside: int = 0) -> None:
    """Execute queued runs until none has come for `idle_s` seconds.

    Args:
        idle_s: How long to wait.
        beside: Process id of a dashboard, which this process does not outlive without work. While no run
            waits it works ahead, see `core.engine.ahead`, so that the first candidate is there sooner.
    """
    settings = get_settings()
    with only_worker(settings.data_dir) as alone:
        if not alone:
            return
        store = Store()
        _tidy(store)
        worker = f"{socket.gethostname()}:{os.getpid()}"
        idle_since, ahead = time.monotonic(), Ahead(store) if beside else None
        while time.monotonic() - idle_since < idle_s and (not beside or _lives(beside)):
            run = store.work.claim(worker, store.can_execute if settings.database_url else None)
            if run is None:
                if ahead is not None:
                    ahead.step()
                time.sleep(POLL_S)
                continue
            if ahead is not None:
                ahead.begin(run.request)
            _work_on(store.of(run.owner), run, worker)
            idle_since = time.monotonic()
            if ahead is not None:
                ahead.worked()
        if ahead is not None:
            ahead.end()


def recover(store: Store) -> None:
    """Mark runs whose worker died as interrupted, and see to runs that wait without a worker."""
    with no_worker(get_settings().data_dir) as free:
        if not free:
            return
        _mark_interrupted(store)
    if store.runs.any_queued():
        ensure_worker()


def _mark_interrupted(store: Store) -> None:
    """Mark the runs of dead workers; to be called only while no other worker can take the data folder.

    A run in a database that other machines use may be theirs: it is dead when it stopped beating.
    """
    settings = get_settings()
    store.work.mark_interrupted(BEATS_TO_DEATH * settings.heartbeat_s if settings.database_url else 0.0)


def _tidy(store: Store) -> None:
    _mark_interrupted(store)
    sweep_jobs(store.jobs_dir)
    sweep_checkpoints(store)
    sweep_kits(store)
    forget_structures(store)
    days = get_settings().retention_days
    if days > 0:
        store.delete_older_than(days)
    store.sweep()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main(idle_s: float = IDLE_S, beside: int = 0) -> None:
    """Work; and look once more after letting go, for a run that was queued in that moment."""
    work(idle_s, beside)
    if Store().runs.any_queued():
        work(idle_s)


def ensure_worker(ready: bool = False) -> None:
    """Start a worker that outlives this process, unless one is at work already.

    Args:
        ready: It waits for the first run of this dashboard, see `work`.
    """
    folder = get_settings().data_dir
    if worker_alive(folder):
        return
    beside = [f"--idle={READY_S:.0f}", f"--beside={os.getpid()}"] if ready else []
    with private_file(folder / "worker.log").open("ab") as log, all_cores():
        subprocess.Popen(
            # -P: the folder it is started in may hold a `core` of somebody else.
            [sys.executable, "-P", "-m", "core", "worker", *beside],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "WHETSTONE_DATA_DIR": str(folder.resolve())},
        )
