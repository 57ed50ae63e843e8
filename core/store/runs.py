"""Runs: written by the page until a worker claims them, by that worker from then on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.domain.run import Candidate, CandidateStatus, Run, RunRequest, RunStatus
from core.errors import ErrorRecord, InvalidRequest, NotFound
from core.store.candidates import row_of
from core.store.claims import ClaimLost, bump, bump_owned, settle
from core.store.cleanup import Cleanup
from core.store.database import Database
from core.store.events import append
from core.store.tables import candidates, data_sets, models, runs

__all__ = ["ClaimLost", "Pulse", "RunSummary", "Runs"]

RESUMABLE = (RunStatus.INTERRUPTED, RunStatus.CANCELLED, RunStatus.FAILED)
_COLUMNS = [runs.c[field.name] for field in fields(Run)]


class Pulse(StrEnum):
    """Answer to a heartbeat; false where the worker must stop."""

    HELD = "held"
    CANCEL = "cancel"
    LOST = "lost"

    def __bool__(self) -> bool:
        return self is Pulse.HELD


@dataclass(frozen=True)
class RunSummary:
    """A row of the list of runs.

    Attributes:
        run: The run.
        counts: Candidates by status; absent where there is none.
    """

    run: Run
    counts: dict[CandidateStatus, int]

    @property
    def total(self) -> int:
        """All candidates."""
        return sum(self.counts.values())

    @property
    def final(self) -> int:
        """Candidates to which nothing more will happen."""
        return sum(count for status, count in self.counts.items() if status.final)


class Runs:
    """All runs.

    Args:
        database: Where they are kept.
        cleanup: What deletes them with all that is theirs alone.
    """

    def __init__(self, database: Database, cleanup: Cleanup) -> None:
        self._database = database
        self._cleanup = cleanup

    @staticmethod
    def new_id() -> str:
        """Return an id for a new run, to make its candidates' ids from."""
        return secrets.token_hex(8)

    def create(
        self,
        request: RunRequest,
        name: str,
        candidates: Sequence[Candidate] = (),
        estimate_s: float | None = None,
    ) -> Run:
        """Store a queued run with its candidates, all or nothing.

        Args:
            request: What the person asked for.
            name: Display name.
            candidates: Each with the same `run_id`, from `new_id`: the run takes it.
            estimate_s: Expected seconds in all.

        Raises:
            NotFound: The model or data set is not in the store.
            InvalidRequest: Candidates of different runs, or the same one twice.
        """
        ids = {candidate.run_id for candidate in candidates} or {self.new_id()}
        if len(ids) > 1:
            raise InvalidRequest("The candidates belong to different runs.")
        run = Run(ids.pop(), name, request, RunStatus.QUEUED, time.time(), estimate_s=estimate_s)
        try:
            with self._database.write() as connection:
                _insert(connection, run, candidates)
        except IntegrityError as error:
            raise InvalidRequest(f"The run {run.id} or one of its candidates is there already.") from error
        return run

    def get(self, run_id: str) -> Run:
        """Return the run.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.read() as connection:
            return _get(connection, run_id)

    def list(self, limit: int | None = None) -> tuple[RunSummary, ...]:
        """Return the runs with the counts of their candidates, newest first."""
        newest = select(*_COLUMNS).order_by(runs.c.created.desc(), runs.c.id).limit(limit)
        tally = select(candidates.c.run_id, candidates.c.status, func.count()).group_by(
            candidates.c.run_id, candidates.c.status
        )
        with self._database.read() as connection:
            found = _runs(connection, newest)
            counts: dict[str, dict[CandidateStatus, int]] = {run.id: {} for run in found}
            for run_id, status, count in connection.execute(tally):
                counts.get(run_id, {})[status] = count
        return tuple(RunSummary(run, counts[run.id]) for run in found)

    def rename(self, run_id: str, name: str) -> Run:
        """Give the run another name.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.write() as connection:
            bump(connection, run_id, name=name)
            return _get(connection, run_id)

    def delete(self, run_id: str) -> None:
        """Delete the run with its candidates and events, and all that no other run needs.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is queued or running.
        """
        self._cleanup.delete_run(run_id)

    def request_cancel(self, run_id: str) -> Run:
        """Cancel a queued run at once; ask the worker of a running one to stop; leave others alone.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.write() as connection:
            now: dict[str, Any] = {"cancel_requested": True}
            queued = {"status": RunStatus.CANCELLED, "finished": time.time(), **now}
            if _change(connection, run_id, [RunStatus.QUEUED], **queued):
                append(connection, run_id, "cancelled", "", {})
            else:
                _change(connection, run_id, [RunStatus.RUNNING], **now)
            return _get(connection, run_id)

    def resume(self, run_id: str) -> Run:
        """Queue the run again; finished candidates stay, half-done ones and those cancelled wait again.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is active or done.
        """
        fresh = {"status": RunStatus.QUEUED, "worker": None, "heartbeat": None, "finished": None}
        with self._database.write() as connection:
            if not _change(
                connection, run_id, RESUMABLE, cancel_requested=False, error=None, stage="", **fresh
            ):
                status = _get(connection, run_id).status
                raise InvalidRequest(
                    f"The run is {status}.",
                    hint="Only interrupted, cancelled and failed runs can be resumed.",
                )
            settle(connection, [run_id], cancelled=True)
            append(connection, run_id, "resumed", "", {})
            return _get(connection, run_id)

    def claim(self, worker: str) -> Run | None:
        """Make the oldest queued run this worker's and return it, or None where nothing waits."""
        oldest = (
            select(runs.c.id).where(runs.c.status == RunStatus.QUEUED).order_by(runs.c.created, runs.c.id)
        )
        with self._database.write() as connection:
            while (run_id := connection.execute(oldest.limit(1)).scalar()) is not None:
                now = time.time()
                taken: dict[str, Any] = {"status": RunStatus.RUNNING, "worker": worker, "heartbeat": now}
                if _change(connection, run_id, [RunStatus.QUEUED], **taken):
                    first = update(runs).where(runs.c.id == run_id, runs.c.started.is_(None))
                    connection.execute(first.values(started=now))
                    return _get(connection, run_id)
        return None

    def heartbeat(self, run_id: str, worker: str) -> Pulse:
        """Give a sign of life; false where the worker must stop. Does not raise the revision."""
        mine = (runs.c.id == run_id, runs.c.worker == worker, runs.c.status == RunStatus.RUNNING)
        with self._database.write() as connection:
            if not connection.execute(update(runs).where(*mine).values(heartbeat=time.time())).rowcount:
                return Pulse.LOST
            asked = connection.execute(select(runs.c.cancel_requested).where(runs.c.id == run_id)).scalar()
        return Pulse.CANCEL if asked else Pulse.HELD

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
            settle(connection, [run_id])
            return _get(connection, run_id)

    def set_stage(self, run_id: str, worker: str, stage: str) -> None:
        """Say what the worker does now; raises `ClaimLost`."""
        self._set(run_id, worker, stage=stage)

    def set_control(self, run_id: str, worker: str, control: dict[str, float]) -> None:
        """Keep the A/A figures; raises `ClaimLost`."""
        self._set(run_id, worker, control=control)

    def set_estimate(self, run_id: str, worker: str, estimate_s: float) -> None:
        """Correct the expected seconds in all; raises `ClaimLost`."""
        self._set(run_id, worker, estimate_s=estimate_s)

    def add_elapsed(self, run_id: str, worker: str, seconds: float) -> None:
        """Add worked seconds; raises `ClaimLost`."""
        self._set(run_id, worker, elapsed_s=runs.c.elapsed_s + seconds)

    def _set(self, run_id: str, worker: str, **values: Any) -> None:
        with self._database.write() as connection:
            bump_owned(connection, run_id, worker, **values)


def _insert(connection: Connection, run: Run, planned: Sequence[Candidate]) -> None:
    request = run.request
    for table, key, what in ((models, request.model_id, "model"), (data_sets, request.data_id, "data set")):
        known = key is None or connection.execute(select(table.c.id).where(table.c.id == key)).scalar()
        if not known:
            raise NotFound(
                f"The {what} {str(key)[:12]} is not in the store.", hint=f"Upload the {what} again."
            )
    values = {field.name: getattr(run, field.name) for field in fields(Run)}
    connection.execute(insert(runs).values(model_id=request.model_id, data_id=request.data_id, **values))
    if planned:
        connection.execute(insert(candidates), [row_of(candidate) for candidate in planned])


def _change(connection: Connection, run_id: str, before: Sequence[RunStatus], **values: Any) -> bool:
    """Compare and set: change the run if its status is one of `before`, and say whether."""
    wanted = (runs.c.id == run_id, runs.c.status.in_(before))
    statement = update(runs).where(*wanted).values(revision=runs.c.revision + 1, **values)
    return connection.execute(statement).rowcount == 1


def _interrupt(connection: Connection, run_id: str, asked: bool, stale: Sequence[Any]) -> bool:
    status = RunStatus.CANCELLED if asked else RunStatus.INTERRUPTED
    values = {"status": status, "revision": runs.c.revision + 1, "finished": time.time(), "stage": ""}
    if not connection.execute(update(runs).where(runs.c.id == run_id, *stale).values(values)).rowcount:
        return False
    settle(connection, [run_id])
    append(connection, run_id, str(status), "", {})
    return True


def _runs(connection: Connection, query: Select[Any]) -> list[Run]:
    return [Run(**row._mapping) for row in connection.execute(query)]


def _get(connection: Connection, run_id: str) -> Run:
    found = _runs(connection, select(*_COLUMNS).where(runs.c.id == run_id))
    if not found:
        raise NotFound(f"The run {run_id} is not in the store.", hint="It may have been deleted.")
    return found[0]
