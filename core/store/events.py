"""Event log of runs, in order."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from core.domain.events import Build, Event, EventKind
from core.errors import NotFound
from core.store.claims import bump
from core.store.database import Database
from core.store.owners import runs_of
from core.store.tables import events, runs

SECONDS = "seconds"
_COLUMNS = [events.c.sequence, events.c.time, events.c.kind, events.c.subject, events.c.data]


_PAUSES = events.c.kind.in_([str(EventKind.PAUSING), str(EventKind.RESUMED)])
_STEPS = events.c.kind.not_in([str(EventKind.PAUSING), str(EventKind.TRAINING)])


def pause_asked(connection: Connection, run_id: str) -> bool:
    """Whether a pause was asked for since the run was resumed last."""
    return _latest(connection, run_id, _PAUSES) == str(EventKind.PAUSING)


def finish_asked(connection: Connection, run_id: str) -> bool:
    """Whether the training that goes on was asked to end with its best weights."""
    return _latest(connection, run_id, _STEPS) == str(EventKind.FINISHING)


def _latest(connection: Connection, run_id: str, among: ColumnElement[bool]) -> str | None:
    of_run = select(events.c.kind).where(events.c.run_id == run_id, among)
    return connection.execute(of_run.order_by(events.c.sequence.desc()).limit(1)).scalar()


class Events:
    """Events of an owner's runs; numbers start at 1 in each run.

    Args:
        database: Where they are kept.
        owner: Whose runs.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._mine = runs_of(owner, events.c.run_id)

    def append(
        self, run_id: str, kind: EventKind, candidate: str = "", seconds: float | None = None, **data: Any
    ) -> Event:
        """Add an event; raises the run's revision.

        Args:
            run_id: Where it happened.
            kind: What happened.
            candidate: To which candidate.
            seconds: How long it took.
            data: More about it, plain values.

        Raises:
            NotFound: There is no such run.
        """
        with self._database.write() as connection:
            return append(connection, run_id, kind, candidate, seconds, **data)

    def since(self, run_id: str, sequence: int = 0) -> tuple[Event, ...]:
        """Return the events of a run after `sequence`, in order."""
        later = events.c.run_id == run_id, events.c.sequence > sequence
        query = select(*_COLUMNS).where(*later, self._mine)
        with self._database.read() as connection:
            return tuple(_event(*row) for row in connection.execute(query.order_by(events.c.sequence)))

    def builds(self, most: int = 500) -> tuple[Build, ...]:
        """Return how long the newest builds of all runs made here took."""
        here = select(runs.c.id).where(runs.c.imported == "")
        built = events.c.kind == str(EventKind.BUILT), events.c.run_id.in_(here)
        newest = select(events.c.data).where(*built)
        with self._database.read() as connection:
            found = connection.execute(newest.order_by(events.c.time.desc()).limit(most)).scalars()
            return tuple(Build(data["step"], data["giga_macs"], data[SECONDS]) for data in found)


def append(
    connection: Connection,
    run_id: str,
    kind: EventKind,
    candidate: str = "",
    seconds: float | None = None,
    **data: Any,
) -> Event:
    """Add an event in a transaction that is open; raises `NotFound` for an unknown run."""
    if not bump(connection, run_id):  # also locks the run, so that numbers have no gap and no twin
        raise NotFound(f"The run {run_id} is not in the store.", hint="It may have been deleted.")
    last = select(func.coalesce(func.max(events.c.sequence), 0)).where(events.c.run_id == run_id)
    event = Event(connection.execute(last).scalar_one() + 1, time.time(), kind, candidate, seconds, data)
    row = {"sequence": event.sequence, "time": event.at, "kind": str(kind), "subject": candidate}
    connection.execute(insert(events).values(run_id=run_id, data={**data, SECONDS: seconds}, **row))
    return event


def _event(sequence: int, at: float, kind: str, subject: str, data: dict[str, Any]) -> Event:
    return Event(sequence, at, EventKind(kind), subject, data.pop(SECONDS, None), data)
