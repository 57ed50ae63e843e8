"""Job queue: claims, heartbeats and results of the worker that holds a run, and the end of a dead one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from core.domain.events import EventKind
from core.domain.run import Run, RunStatus
from core.errors import ErrorRecord, InvalidRequest
from core.store.claims import bump_owned, change, settle
from core.store.database import Database
from core.store.events import append, finish_asked, pause_asked
from core.store.runs import find
from core.store.tables import runs


class Pulse(StrEnum):
    """Answer to a heartbeat; false where the worker must stop.

    ``rest``: it begins no further step. ``finish``: the training that goes on ends with its best weights.
    """

    HELD = "held"
    REST = "rest"
    FINISH = "finish"
    CANCEL = "cancel"
    LOST = "lost"

    def __bool__(self) -> bool:
        return self not in (Pulse.CANCEL, Pulse.LOST)


class Work:
    """Runs as their workers see them.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, worker: str, able: Callable[[Run], bool] | None = None) -> Run | None:
        """Make the oldest queued run this worker's and return it, or None where nothing waits.

        Args:
            worker: Who asks.
            able: Whether the worker can execute a run; not given, it can execute all.
        """
        oldest = (
            select(runs.c.id).where(runs.c.status == RunStatus.QUEUED).order_by(runs.c.created, runs.c.id)
        )
        with self._database.write() as connection:
            for run_id in connection.execute(oldest).scalars().all():
                if able is not None and not able(find(connection, run_id)):
                    continue
                now = time.time()
                taken: dict[str, Any] = {"status": RunStatus.RUNNING, "worker": worker, "heartbeat": now}
                if change(connection, run_id, [RunStatus.QUEUED], **taken):
                    first = update(runs).where(runs.c.id == run_id, runs.c.started.is_(None))
                    connection.execute(first.values(started=now))
                    return find(connection, run_id)
        return None

    def heartbeat(self, run_id: str, worker: str, seconds: float = 0.0) -> Pulse:
        """Give a sign of life and add the seconds worked since the last; does not raise the revision.

        Returns:
            False where the worker must stop.
        """
        mine = (runs.c.id == run_id, runs.c.worker == worker, runs.c.status == RunStatus.RUNNING)
        beat = {"heartbeat": time.time(), "elapsed_s": runs.c.elapsed_s + seconds}
        with self._database.write() as connection:
            if not connection.execute(update(runs).where(*mine).values(beat)).rowcount:
                return Pulse.LOST
            asked = connection.execute(select(runs.c.cancel_requested).where(runs.c.id == run_id)).scalar()
            if asked:
                return Pulse.CANCEL
            if finish_asked(connection, run_id):
                return Pulse.FINISH
            return Pulse.REST if pause_asked(connection, run_id) else Pulse.HELD

    def mark_interrupted(self, stale_after_s: float) -> tuple[str, ...]:
        """End running runs without a sign of life for so long; return their ids.

        They are interrupted, or cancelled where the person had asked for that.
        """
        stale = (runs.c.status == RunStatus.RUNNING, runs.c.heartbeat < time.time() - stale_after_s)
        with self._database.write() as connection:
            found = connection.execute(select(runs.c.id, runs.c.cancel_requested).where(*stale)).all()
            return tuple(run_id for run_id, asked in found if _interrupt(connection, run_id, asked, stale))

    def finish(self, run_id: str, worker: str, status: RunStatus, error: ErrorRecord | None = None) -> Run:
        """End the run with `status`; half-done candidates wait again.

        Raises:
            ClaimLost: The run is not this worker's.
            InvalidRequest: `status` is not an end.
        """
        if status.active:
            raise InvalidRequest(f"A run cannot end as {status}.")
        with self._database.write() as connection:
            end = {"status": status, "error": error, "finished": time.time(), "stage": ""}
            bump_owned(connection, run_id, worker, **end)
            settle(connection, run_id)
            append(connection, run_id, EventKind(status))
            return find(connection, run_id)

    def set_stage(self, run_id: str, worker: str, stage: str, estimate_s: float | None = None) -> None:
        """Say what the worker does now and how long the run will take in all; raises `ClaimLost`."""
        told = {} if estimate_s is None else {"estimate_s": estimate_s}
        self._set(run_id, worker, stage=stage, **told)

    def set_data(self, run_id: str, worker: str, data_id: str) -> None:
        """Say which data set the run works on, so that it is kept for as long; raises `ClaimLost`."""
        self._set(run_id, worker, data_id=data_id)

    def _set(self, run_id: str, worker: str, **values: Any) -> None:
        with self._database.write() as connection:
            bump_owned(connection, run_id, worker, **values)


def _interrupt(connection: Connection, run_id: str, asked: bool, stale: Sequence[Any]) -> bool:
    status = RunStatus.CANCELLED if asked else RunStatus.INTERRUPTED
    values = {"status": status, "revision": runs.c.revision + 1, "finished": time.time(), "stage": ""}
    if not connection.execute(update(runs).where(runs.c.id == run_id, *stale).values(values)).rowcount:
        return False
    settle(connection, run_id)
    append(connection, run_id, EventKind(status))
    return True
