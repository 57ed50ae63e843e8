"""Repository of runs, for reading and for changes by people; what workers do is in `core.store.work`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, Select, Text, and_, func, insert, or_, select, type_coerce
from sqlalchemy.exc import IntegrityError

from core.domain.events import Event, EventKind
from core.domain.run import PLANNING, Candidate, CandidateStatus, Run, RunRequest, RunStatus
from core.errors import InvalidRequest, NotFound
from core.store.candidates import row_of
from core.store.claims import bump, change, settle
from core.store.cleanup import Cleanup
from core.store.database import Database
from core.store.events import SECONDS, append, pause_asked
from core.store.tables import candidates, data_sets, events, models, runs
from core.texts import one_line

RESUMABLE = (RunStatus.PAUSED, RunStatus.INTERRUPTED, RunStatus.CANCELLED, RunStatus.FAILED)
_REFUSED = type_coerce(candidates.c.error, Text).contains(f'"stage":"{PLANNING}"')
_TRIED = (candidates.c.position > 0, or_(candidates.c.error.is_(None), ~_REFUSED))
_COLUMNS = [runs.c[field.name] for field in fields(Run)]


@dataclass(frozen=True)
class ListedRun:
    """A row of the list of runs.

    Attributes:
        run: The run.
        counts: Candidates that are tried, by status; absent where there is none.
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
    """All runs of an owner.

    Args:
        database: Where they are kept.
        cleanup: What deletes them with all that is theirs alone.
        owner: Whose they are.
    """

    def __init__(self, database: Database, cleanup: Cleanup, owner: str) -> None:
        self._database = database
        self._cleanup = cleanup
        self._owner = owner

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
        elapsed_s: float = 0.0,
    ) -> Run:
        """Store a queued run with its candidates, all or nothing.

        Args:
            request: What the person asked for.
            name: Display name.
            candidates: Each with the same `run_id`, from `new_id`: the run takes it.
            estimate_s: Expected seconds in all.
            elapsed_s: Seconds that were worked for it already.

        Raises:
            NotFound: The model or data set is not in the store.
            InvalidRequest: Candidates of different runs, or the same one twice.
        """
        ids = {candidate.run_id for candidate in candidates} or {self.new_id()}
        if len(ids) > 1:
            raise InvalidRequest("The candidates belong to different runs.")
        run = Run(
            ids.pop(),
            one_line(name),
            request,
            RunStatus.QUEUED,
            time.time(),
            estimate_s=estimate_s,
            elapsed_s=elapsed_s,
            data_id=request.data_id,
            owner=self._owner,
        )
        try:
            with self._database.write() as connection:
                _insert(connection, run, candidates)
        except IntegrityError as error:
            raise InvalidRequest(f"The run {run.id} or one of its candidates is there already.") from error
        return run

    def take_in(self, run: Run, planned: Sequence[Candidate], happened: Sequence[Event]) -> Run:
        """Store a run that was measured elsewhere, with its candidates and events, all or nothing.

        Args:
            run: Ended, and marked as imported.
            planned: Its candidates.
            happened: Its events; they are numbered anew.

        Raises:
            NotFound: The model or data set is not in the store.
            InvalidRequest: It is not marked, or goes on.
        """
        if not run.imported or run.status.active:
            raise InvalidRequest("Only a run that has ended elsewhere can be imported.")
        own = replace(run, owner=self._owner)
        with self._database.write() as connection:
            _insert(connection, own, planned)
            for number, each in enumerate(happened, start=1):
                row = {"sequence": number, "time": each.at, "kind": str(each.kind), "subject": each.candidate}
                data = {**each.data, SECONDS: each.seconds}
                connection.execute(insert(events).values(run_id=own.id, data=data, **row))
            return find(connection, own.id)

    def get(self, run_id: str) -> Run:
        """Return the run.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.read() as connection:
            return find(connection, run_id, self._owner)

    def list(self, limit: int | None = None) -> tuple[ListedRun, ...]:
        """Return the newest `limit` runs, or all, with the counts of their candidates, newest first."""
        newest = _of(self._owner).order_by(runs.c.created.desc(), runs.c.id).limit(limit)
        key = candidates.c.run_id, candidates.c.status
        tally = select(*key, func.count()).where(*_TRIED).group_by(*key)
        if limit is not None:
            tally = tally.where(candidates.c.run_id.in_(newest.with_only_columns(runs.c.id)))
        with self._database.read() as connection:
            found = _runs(connection, newest)
            counts: dict[str, dict[CandidateStatus, int]] = {run.id: {} for run in found}
            for run_id, status, count in connection.execute(tally):
                counts.get(run_id, {})[status] = count
        return tuple(ListedRun(run, counts[run.id]) for run in found)

    def count(self) -> int:
        """Return how many runs there are."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(runs).where(runs.c.owner == self._owner)
            return connection.execute(query).scalar_one()

    def any_queued(self) -> bool:
        """Whether a run waits for a worker, of whomever."""
        waiting = select(runs.c.id).where(runs.c.status == RunStatus.QUEUED).limit(1)
        with self._database.read() as connection:
            return connection.execute(waiting).first() is not None

    def ahead_of(self, run: Run) -> tuple[Run, ...]:
        """Return the runs, of whomever, that a worker has or takes before this one, which waits."""
        earlier = and_(runs.c.status == RunStatus.QUEUED, runs.c.created < run.created)
        query = select(*_COLUMNS).where(or_(runs.c.status == RunStatus.RUNNING, earlier))
        with self._database.read() as connection:
            return tuple(each for each in _runs(connection, query) if each.id != run.id)

    def rename(self, run_id: str, name: str) -> Run:
        """Give the run another name.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.write() as connection:
            find(connection, run_id, self._owner)
            bump(connection, run_id, name=one_line(name))
            return find(connection, run_id)

    def note(self, run_id: str, tags: Sequence[str], notes: str) -> Run:
        """Set what a person says about the run.

        Args:
            run_id: Which run.
            tags: Words to find it by; blanks and repetitions are left out.
            notes: Free text.

        Raises:
            NotFound: The store does not hold it.
        """
        words = tuple(dict.fromkeys(word for tag in tags if (word := one_line(tag).strip())))
        with self._database.write() as connection:
            find(connection, run_id, self._owner)
            bump(connection, run_id, tags=words, notes=notes.strip())
            return find(connection, run_id)

    def delete(self, run_id: str) -> None:
        """Delete the run with its candidates and events, and all that no other run needs.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is queued or running.
        """
        self._cleanup.delete_run(run_id, self._owner)

    def request_cancel(self, run_id: str) -> Run:
        """Cancel a queued run at once; ask the worker of a running one to stop; leave others alone.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.write() as connection:
            find(connection, run_id, self._owner)
            now: dict[str, Any] = {"cancel_requested": True}
            queued = {"status": RunStatus.CANCELLED, "finished": time.time(), **now}
            if change(connection, run_id, [RunStatus.QUEUED], **queued):
                append(connection, run_id, EventKind.CANCELLED)
            else:
                change(connection, run_id, [RunStatus.RUNNING], **now)
            return find(connection, run_id)

    def request_pause(self, run_id: str) -> Run:
        """Pause a queued run at once; ask the worker of a running one to rest after its step.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is not active, or was cancelled.
        """
        with self._database.write() as connection:
            run = find(connection, run_id, self._owner)
            queued = {"status": RunStatus.PAUSED, "finished": time.time()}
            if change(connection, run_id, [RunStatus.QUEUED], **queued):
                append(connection, run_id, EventKind.PAUSED)
            elif run.status is RunStatus.RUNNING and not run.cancel_requested:
                if not pause_asked(connection, run_id):
                    append(connection, run_id, EventKind.PAUSING)
            else:
                raise InvalidRequest(
                    f"The run is {'being cancelled' if run.cancel_requested else run.status}.",
                    hint="Only queued and running runs can be paused.",
                )
            return find(connection, run_id)

    def request_finish(self, run_id: str) -> Run:
        """Ask the worker to end the training that goes on with its best weights, and to go on from there.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is not running, or was cancelled.
        """
        with self._database.write() as connection:
            run = find(connection, run_id, self._owner)
            if run.status is not RunStatus.RUNNING or run.cancel_requested:
                raise InvalidRequest(
                    "Nothing is being trained.", hint="Only a running training can end early."
                )
            append(connection, run_id, EventKind.FINISHING)
            return find(connection, run_id)

    def resume(self, run_id: str) -> Run:
        """Queue the run again; finished candidates stay, half-done ones wait again.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is active or done, or was measured elsewhere.
        """
        fresh = {"status": RunStatus.QUEUED, "worker": None, "heartbeat": None, "finished": None}
        with self._database.write() as connection:
            found = find(connection, run_id, self._owner)
            status = found.status
            if found.imported:
                raise InvalidRequest(
                    "The run was measured elsewhere.", hint="Resume it there, or start one here."
                )
            if not change(
                connection, run_id, RESUMABLE, cancel_requested=False, error=None, stage="", **fresh
            ):
                raise InvalidRequest(
                    f"The run is {status}.",
                    hint="Only paused, interrupted, cancelled and failed runs can be resumed.",
                )
            settle(connection, run_id)
            append(connection, run_id, EventKind.RESUMED)
            return find(connection, run_id)


def _insert(connection: Connection, run: Run, planned: Sequence[Candidate]) -> None:
    request = run.request
    for table, key, what in ((models, request.model_id, "model"), (data_sets, request.data_id, "data set")):
        query = select(table.c.id).where(table.c.id == key, table.c.owner == run.owner)
        known = key is None or connection.execute(query).scalar()
        if not known:
            raise NotFound(
                f"The {what} {str(key)[:12]} is not in the store.", hint=f"Upload the {what} again."
            )
    values = {field.name: getattr(run, field.name) for field in fields(Run)}
    connection.execute(insert(runs).values(model_id=request.model_id, **values))
    if planned:
        connection.execute(insert(candidates), [row_of(candidate) for candidate in planned])


def _runs(connection: Connection, query: Select[Any]) -> list[Run]:
    return [Run(**row._mapping) for row in connection.execute(query)]


def _of(owner: str) -> Select[Any]:
    return select(*_COLUMNS).where(runs.c.owner == owner)


def find(connection: Connection, run_id: str, owner: str | None = None) -> Run:
    """Return the run, of whomever where no `owner` is given.

    Raises:
        NotFound: The store does not hold it.
    """
    query = select(*_COLUMNS) if owner is None else _of(owner)
    found = _runs(connection, query.where(runs.c.id == run_id))
    if not found:
        raise NotFound(f"The run {run_id} is not in the store.", hint="It may have been deleted.")
    return found[0]
