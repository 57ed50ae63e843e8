"""What happened in runs, in order."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, func, insert, select

from core.domain.run import Event
from core.errors import NotFound
from core.store.claims import bump
from core.store.database import Database
from core.store.tables import events

_COLUMNS = [events.c.sequence, events.c.time, events.c.kind, events.c.subject, events.c.data]


class Events:
    """Events of all runs; numbers start at 1 in each run.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run_id: str, kind: str, subject: str = "", data: dict[str, Any] | None = None) -> Event:
        """Add an event; raises the run's revision.

        Raises:
            NotFound: There is no such run.
        """
        with self._database.write() as connection:
            return append(connection, run_id, kind, subject, data or {})

    def since(self, run_id: str, sequence: int = 0) -> tuple[Event, ...]:
        """Return the events of a run after `sequence`, in order."""
        query = select(*_COLUMNS).where(events.c.run_id == run_id, events.c.sequence > sequence)
        with self._database.read() as connection:
            return tuple(Event(*row) for row in connection.execute(query.order_by(events.c.sequence)))


def append(connection: Connection, run_id: str, kind: str, subject: str, data: dict[str, Any]) -> Event:
    """Add an event in a transaction that is open; raises `NotFound` for an unknown run."""
    if not bump(connection, run_id):  # also locks the run, so that numbers have no gap and no twin
        raise NotFound(f"The run {run_id} is not in the store.", hint="It may have been deleted.")
    last = select(func.coalesce(func.max(events.c.sequence), 0)).where(events.c.run_id == run_id)
    number: int = connection.execute(last).scalar_one() + 1
    event = Event(number, time.time(), kind, subject, data)
    row = {"sequence": number, "time": event.time, "kind": kind, "subject": subject, "data": data}
    connection.execute(insert(events).values(run_id=run_id, **row))
    return event
