"""Live calls of the measurement in progress: for the page that watches it, not for the record."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from core.domain.run import RunStatus
from core.store.claims import ClaimLost
from core.store.database import Database
from core.store.owners import runs_of
from core.store.tables import live, runs


@dataclass(frozen=True)
class LiveCalls:
    """Calls of one candidate that is being measured.

    Attributes:
        candidate_id: Whose calls they are.
        ms: Milliseconds of single calls so far, thinned, in their order, as the clock showed them.
        calls: How many there were before they were thinned.
        time: When this was written, in UNIX seconds.
    """

    candidate_id: str
    ms: tuple[float, ...]
    calls: int
    time: float


class Live:
    """What is being measured in each run; one entry a run, overwritten. Does not raise the revision.

    Args:
        database: Where it is kept.
        owner: Whose runs.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._mine = runs_of(owner, live.c.run_id)

    def put(self, run_id: str, worker: str, candidate_id: str, ms: tuple[float, ...], calls: int) -> None:
        """Put the calls so far in place of what was there.

        Raises:
            ClaimLost: The run is not this worker's (any more).
        """
        mine = (runs.c.id == run_id, runs.c.worker == worker, runs.c.status == RunStatus.RUNNING)
        with self._database.write() as connection:
            if connection.execute(select(runs.c.id).where(*mine)).first() is None:
                raise ClaimLost(f"The run {run_id} is no longer held by the worker {worker}.")
            connection.execute(delete(live).where(live.c.run_id == run_id))
            row = {"candidate_id": candidate_id, "ms": ms, "calls": calls, "time": time.time()}
            connection.execute(insert(live).values(run_id=run_id, **row))

    def get(self, run_id: str) -> LiveCalls | None:
        """Return the latest calls of a run, also after its end; None where there are none."""
        query = select(live.c.candidate_id, live.c.ms, live.c.calls, live.c.time)
        with self._database.read() as connection:
            row = connection.execute(query.where(live.c.run_id == run_id, self._mine)).first()
        return None if row is None else LiveCalls(*row)
