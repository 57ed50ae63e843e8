"""Candidates of runs, written by the worker that holds the run."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import insert, select, update

from core.domain.run import Candidate
from core.errors import NotFound
from core.store.claims import bump_owned
from core.store.database import Database
from core.store.owners import runs_of
from core.store.tables import candidates

_COLUMNS = [candidates.c[field.name] for field in fields(Candidate)]


def row_of(candidate: Candidate) -> dict[str, Any]:
    """Return the values of the columns."""
    return {field.name: getattr(candidate, field.name) for field in fields(Candidate)}


class Candidates:
    """Candidates of an owner's runs.

    Args:
        database: Where they are kept.
        owner: Whose runs.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._mine = runs_of(owner, candidates.c.run_id)

    def list(self, run_id: str) -> tuple[Candidate, ...]:
        """Return the candidates of a run in their order; none for an unknown run."""
        query = select(*_COLUMNS).where(candidates.c.run_id == run_id, self._mine)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(candidates.c.position, candidates.c.id))
            return tuple(Candidate(**row._mapping) for row in rows)

    def get(self, id: str) -> Candidate:
        """Return the candidate.

        Raises:
            NotFound: The store does not hold it.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(candidates.c.id == id, self._mine)).first()
        if row is None:
            raise NotFound(
                f"The candidate {id[:12]} is not in the store.", hint="Its run may have been deleted."
            )
        return Candidate(**row._mapping)

    def save(
        self, candidate: Candidate, worker: str, stage: str | None = None, estimate_s: float | None = None
    ) -> None:
        """Store the candidate in place of the one with its id, or as a new one; raises the run's revision.

        Args:
            candidate: As it is now.
            worker: Who holds the run.
            stage: What the worker does now; None leaves it as it is. Told together with the candidate's
                status, so that nobody sees the two disagree.
            estimate_s: Seconds the run will take in all; None leaves it as it is.

        Raises:
            ClaimLost: The run is not this worker's (any more).
        """
        row = row_of(candidate)
        news = {"stage": stage, "estimate_s": estimate_s}
        told = {name: value for name, value in news.items() if value is not None}
        change = update(candidates).where(candidates.c.id == candidate.id)
        with self._database.write() as connection:
            bump_owned(connection, candidate.run_id, worker, **told)
            if not connection.execute(change.values(row)).rowcount:
                connection.execute(insert(candidates).values(row))
