"""Deletes uploads: a model or a data set, on demand with the runs that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import IntegrityError

from core.domain.run import RunStatus
from core.errors import InvalidRequest, NotFound
from core.store.cleanup import Cleanup, delete_run, unneeded, used_files
from core.store.database import Database
from core.store.tables import artifacts, data_sets, models, runs

_KINDS = ((models, "model_id", "model"), (data_sets, "data_id", "data set"))


@dataclass(frozen=True)
class Use:
    """An upload and what hangs on it.

    Attributes:
        what: ``model`` or ``data set``.
        name: Display name.
        runs: Ids of the runs that use it, newest first.
        size_bytes: Of all files that go with it and these runs, since nothing else needs them.
    """

    what: str
    name: str
    runs: tuple[str, ...]
    size_bytes: int


class Uploads:
    """Deletion of an owner's models and data sets.

    Args:
        database: Where they are kept.
        cleanup: What frees their files; those younger than its grace time go with a later sweep.
        owner: Whose they are.
    """

    def __init__(self, database: Database, cleanup: Cleanup, owner: str) -> None:
        self._database = database
        self._cleanup = cleanup
        self._owner = owner

    def use(self, id: str) -> Use:
        """Return what would go if the model or data set were deleted with its runs.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: A run that is queued or running uses it.
        """
        with self._database.write() as connection, connection.begin_nested() as trial:
            found = _delete(connection, id, self._owner, with_runs=True)
            trial.rollback()
        return found

    def delete(self, id: str, with_runs: bool = False) -> Use:
        """Delete a model or data set; a model's data sets go with the runs that used them.

        Args:
            id: Of either kind.
            with_runs: Delete the runs that use it, too, with their results.

        Returns:
            What went.

        Raises:
            NotFound: The store does not hold it.
            InvalidRequest: A run uses it, and is active or should not go.
        """
        try:
            with self._database.write() as connection:
                found = _delete(connection, id, self._owner, with_runs)
        except IntegrityError as error:
            raise InvalidRequest(
                "A run that uses it began just now.", hint="Cancel that run first."
            ) from error
        self._cleanup.sweep()
        return found


def _delete(connection: Connection, id: str, owner: str, with_runs: bool) -> Use:
    table, key, what = _place(connection, id, owner)
    name = connection.execute(select(table.c.body).where(table.c.id == id)).scalar_one().name
    newest = select(runs.c.id, runs.c.name, runs.c.status).order_by(runs.c.created.desc())
    using = connection.execute(newest.where(runs.c[key] == id)).all()
    _refuse(using, f"the {what} {name}", with_runs)
    files, idle = used_files(connection), set(unneeded(connection))
    for run in using:
        if table is models:
            delete_run(connection, run.id)
        else:
            connection.execute(delete(runs).where(runs.c.id == run.id))
    connection.execute(delete(table).where(table.c.id == id))
    freed = set(unneeded(connection)) - idle
    connection.execute(delete(artifacts).where(artifacts.c.id.in_(freed)))
    gone = files.keys() - used_files(connection).keys()
    return Use(what, name, tuple(run.id for run in using), sum(files[sha256] for sha256 in gone))


def _place(connection: Connection, id: str, owner: str) -> tuple[Table, str, str]:
    for table, key, what in _KINDS:
        if connection.execute(select(table.c.id).where(table.c.id == id, table.c.owner == owner)).first():
            return table, key, what
    raise NotFound(f"There is no upload {id[:16]} in the store.", hint="`whetstone uploads` lists them.")


def _refuse(using: Sequence[Any], upload: str, with_runs: bool) -> None:
    """Refuse where runs stand in the way."""
    active = [run for run in using if RunStatus(run.status).active]
    if active:
        raise InvalidRequest(
            f"The run {active[0].name} is {active[0].status} and uses {upload}.", hint="Cancel it first."
        )
    if using and not with_runs:
        names = ", ".join(run.name for run in using[:3]) + (", …" if len(using) > 3 else "")
        raise InvalidRequest(
            f"{len(using)} run(s) use {upload}: {names}.",
            hint="Delete them first, or let them go with it: --with-runs.",
        )
