"""Garbage collection and retention: deletes runs, and files that nothing refers to."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, select

from core.domain.recipe import Artifact
from core.domain.run import RunStatus
from core.errors import InvalidRequest, NotFound
from core.store.blobs import GRACE_S, Blobs
from core.store.database import Database
from core.store.tables import artifacts, candidates, data_sets, models, result_files, runs

DAY_S = 86_400.0
_ACTIVE = [status for status in RunStatus if status.active]


class Cleanup:
    """Deletion and retention.

    An artifact is needed by the candidates that are it or were made from it, and by every run of its
    model that is not done, since that may find it again. What is younger than the grace time stays, for
    its owner may be about to refer to it.

    Args:
        database: Where runs and artifacts are kept.
        blobs: Where files are.
        grace_s: Seconds for which unneeded artifacts and files stay.
    """

    def __init__(self, database: Database, blobs: Blobs, grace_s: float = GRACE_S) -> None:
        self._database = database
        self._blobs = blobs
        self._grace_s = grace_s

    def delete_run(self, run_id: str, owner: str) -> None:
        """Delete a run of `owner` with its model and data, then sweep.

        A model or data set stays where another run uses it, and where it was uploaded after the run began
        or within the grace time: somebody may be about to use it.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: It is queued or running.
        """
        with self._database.write() as connection:
            if connection.execute(
                select(runs.c.id).where(runs.c.id == run_id, runs.c.owner == owner)
            ).first():
                delete_run(connection, run_id, time.time() - self._grace_s)
            else:
                raise _unknown(run_id)
        self.sweep()

    def delete_older_than(self, days: float) -> int:
        """Delete inactive runs that ended, and unused uploads made, more than `days` ago; then sweep.

        Returns:
            How many runs were deleted.
        """
        with self._database.write() as connection:
            count = _delete_older_than(connection, days)
        self.sweep()
        return count

    def older_than(self, days: float) -> tuple[int, int]:
        """Return how many runs `delete_older_than` would delete, and how many bytes that would free."""
        with self._database.write() as connection, connection.begin_nested() as trial:
            before = used_files(connection)
            count = _delete_older_than(connection, days)
            connection.execute(delete(artifacts).where(artifacts.c.id.in_(unneeded(connection))))
            gone = before.keys() - used_files(connection).keys()
            trial.rollback()
        return count, sum(before[sha256] for sha256 in gone)

    def sweep(self) -> int:
        """Delete unneeded artifacts and files; return the bytes freed."""
        with self._database.write() as connection:
            limit = time.time() - self._grace_s
            old = artifacts.c.created <= limit
            connection.execute(delete(artifacts).where(artifacts.c.id.in_(unneeded(connection)), old))
        with self._database.read() as connection:
            keep = set(used_files(connection))
        return self._blobs.sweep(keep, self._grace_s)


def _delete_older_than(connection: Connection, days: float) -> int:
    limit = time.time() - days * DAY_S
    ended = func.coalesce(runs.c.finished, runs.c.created) < limit
    query = select(runs.c.id).where(ended, runs.c.status.not_in(_ACTIVE))
    old = connection.execute(query).scalars().all()
    for run_id in old:
        delete_run(connection, run_id, limit)
    for table, key in ((models, "model_id"), (data_sets, "data_id")):
        connection.execute(delete(table).where(*_unused(table, key, limit)))
    return len(old)


def delete_run(connection: Connection, run_id: str, limit: float = float("inf")) -> None:
    """Delete a run, and its model and data where unused and added before both it and `limit`.

    Random inputs are drawn after the run began, by the run itself: for them `limit` alone counts.
    """
    columns = runs.c.status, runs.c.model_id, runs.c.data_id, runs.c.created, runs.c.request, runs.c.imported
    row = connection.execute(select(*columns).where(runs.c.id == run_id)).first()
    if row is None:
        raise _unknown(run_id)
    inactive = runs.c.status.not_in(_ACTIVE)
    if not connection.execute(delete(runs).where(runs.c.id == run_id, inactive)).rowcount:
        raise InvalidRequest(f"The run is {row.status}.", hint="Cancel it first, then delete it.")
    if row.imported:  # its model and data came with it and are nobody else's
        limit = float("inf")
    before = limit if row.imported else min(limit, row.created)
    drawn = row.request.data_id is None
    for table, key, id, made in (
        (models, "model_id", row.model_id, before),
        (data_sets, "data_id", row.data_id, limit if drawn else before),
    ):
        connection.execute(delete(table).where(table.c.id == id, *_unused(table, key, made)))


def _unknown(run_id: str) -> NotFound:
    return NotFound(f"The run {run_id} is not in the store.", hint="It may have been deleted.")


def _unused(table: Table, key: str, created_before: float) -> list[ColumnElement[bool]]:
    """Return the conditions on documents that no run refers to."""
    return [table.c.created <= created_before, ~exists().where(runs.c[key] == table.c.id)]


def unneeded(connection: Connection) -> list[str]:
    """Return the ids of the artifacts that no candidate and no open run may need."""
    stored = {item.id: item for item in connection.execute(select(artifacts.c.body)).scalars()}
    used = connection.execute(select(candidates.c.artifact_id).distinct()).scalars()
    open_models = set(
        connection.execute(select(runs.c.model_id).where(runs.c.status != RunStatus.DONE)).scalars()
    )
    needed = {step for id in used if id for step in _line(id, stored)}
    needed |= set(connection.execute(select(models.c.id)).scalars())  # the sources themselves
    return [id for id in stored if id not in needed and open_models.isdisjoint(_line(id, stored))]


def _line(id: str, stored: dict[str, Artifact]) -> Iterable[str]:
    """Give an artifact and those it was made from, up to its source model."""
    step: str | None = id
    while step is not None:
        yield step
        step = stored[step].parent if step in stored else None


def used_files(connection: Connection) -> dict[str, int]:
    """Return the hash and size of every file that something in the database refers to."""
    bodies = (connection.execute(select(table.c.body)).scalars() for table in (models, data_sets, artifacts))
    used = {file.sha256: file.size for rows in bodies for body in rows for file in body.files}
    results = connection.execute(select(result_files.c.sha256, result_files.c.size))
    used.update((sha256, size) for sha256, size in results)
    return used
