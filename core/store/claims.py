"""Run ownership (lease): only the worker that claimed a run may write it, while it is running."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, update

from core.domain.run import CandidateStatus, RunStatus
from core.errors import WhetstoneError
from core.store.tables import candidates, runs


class ClaimLost(WhetstoneError):
    """The run is no longer this worker's: it stopped giving signs of life, or the run ended."""

    code = "claim_lost"


def bump(connection: Connection, run_id: str, **values: Any) -> bool:
    """Raise the revision of a run, set `values`, and lock its row; return whether it exists."""
    statement = update(runs).where(runs.c.id == run_id).values(revision=runs.c.revision + 1, **values)
    return connection.execute(statement).rowcount == 1


def bump_owned(connection: Connection, run_id: str, worker: str, **values: Any) -> None:
    """Do the same for the worker that holds the run.

    Raises:
        ClaimLost: Another worker holds the run, or nobody.
    """
    owned = and_(runs.c.id == run_id, runs.c.worker == worker, runs.c.status == RunStatus.RUNNING)
    statement = update(runs).where(owned).values(revision=runs.c.revision + 1, **values)
    if connection.execute(statement).rowcount != 1:
        raise ClaimLost(
            f"The run {run_id} is no longer held by the worker {worker}.",
            hint="Resume the run if it was interrupted.",
        )


def change(connection: Connection, run_id: str, before: Sequence[RunStatus], **values: Any) -> bool:
    """Compare and set: change the run if its status is one of `before`, and say whether."""
    wanted = (runs.c.id == run_id, runs.c.status.in_(before))
    statement = update(runs).where(*wanted).values(revision=runs.c.revision + 1, **values)
    return connection.execute(statement).rowcount == 1


def settle(connection: Connection, run_id: str) -> None:
    """Let half-done candidates wait again."""
    half_done = candidates.c.status.in_([CandidateStatus.BUILDING, CandidateStatus.MEASURING])
    again = {"status": CandidateStatus.WAITING, "stage": "", "error": None}
    connection.execute(update(candidates).where(candidates.c.run_id == run_id, half_done).values(again))
