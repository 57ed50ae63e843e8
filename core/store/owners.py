"""Access control: models, data sets and runs have an owner; what hangs on a run is its owner's, too.

What belongs to somebody else is not found, whoever asks for it by its id: a page, a route, a command.
"""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, select

from core.store.tables import candidates, runs


def runs_of(owner: str, run_id: Column[str]) -> ColumnElement[bool]:
    """Return the condition that `run_id` names a run of `owner`."""
    return run_id.in_(select(runs.c.id).where(runs.c.owner == owner))


def candidates_of(owner: str, candidate_id: Column[str]) -> ColumnElement[bool]:
    """Return the condition that `candidate_id` names a candidate of a run of `owner`."""
    return candidate_id.in_(select(candidates.c.id).where(runs_of(owner, candidates.c.run_id)))
