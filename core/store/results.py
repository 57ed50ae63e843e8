"""Files that belong to candidates, such as golden outputs and predictions."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from core.domain.model import FileRef
from core.errors import NotFound
from core.store.blobs import Blobs
from core.store.claims import bump_owned
from core.store.database import Database
from core.store.owners import candidates_of
from core.store.tables import candidates, result_files

_COLUMNS = [result_files.c.name, result_files.c.sha256, result_files.c.size]


class Results:
    """Result files of an owner's candidates; deleted with their run.

    Args:
        database: Where the references are kept.
        blobs: Where the contents are.
        owner: Whose runs.
    """

    def __init__(self, database: Database, blobs: Blobs, owner: str) -> None:
        self._database = database
        self._blobs = blobs
        self._mine = candidates_of(owner, result_files.c.candidate_id)
        self._owned = candidates_of(owner, candidates.c.id)

    def refer(self, candidate_id: str, file: FileRef, worker: str) -> FileRef:
        """Keep `file`, whose content is in the store, for the candidate, replacing one of its name.

        Raises:
            NotFound: No such candidate.
            ClaimLost: The candidate's run is not this worker's.
        """
        with self._database.write() as connection:
            bump_owned(connection, _run_of(connection, candidate_id), worker)
            _put(connection, candidate_id, file)
        return file

    def keep(self, candidate_id: str, file: FileRef) -> FileRef:
        """Keep `file` for a candidate of this owner, as `refer` does, whoever works on its run or nobody.

        For what was measured on demand, beside the run: its revision stays.

        Raises:
            NotFound: The owner has no such candidate.
        """
        mine = select(candidates.c.id).where(candidates.c.id == candidate_id, self._owned)
        with self._database.write() as connection:
            if connection.execute(mine).first() is None:
                raise _unknown(candidate_id)
            _put(connection, candidate_id, file)
        return file

    def get(self, candidate_id: str, name: str) -> Path:
        """Return where the content of the file lies; read it, never write it.

        Raises:
            NotFound: The candidate has no such file.
        """
        for file in self.list(candidate_id):
            if file.name == name:
                return self._blobs.path(file)
        raise NotFound(f"The candidate {candidate_id[:12]} has no file {name}.", hint="Run the model again.")

    def list(self, candidate_id: str) -> tuple[FileRef, ...]:
        """Return references to all files of a candidate, by name."""
        query = select(*_COLUMNS).where(result_files.c.candidate_id == candidate_id, self._mine)
        with self._database.read() as connection:
            return tuple(FileRef(*row) for row in connection.execute(query.order_by(result_files.c.name)))


def _run_of(connection: Connection, candidate_id: str) -> str:
    query = select(candidates.c.run_id).where(candidates.c.id == candidate_id)
    run_id: str | None = connection.execute(query).scalar()
    if run_id is None:
        raise _unknown(candidate_id)
    return run_id


def _put(connection: Connection, candidate_id: str, file: FileRef) -> None:
    key = (result_files.c.candidate_id == candidate_id, result_files.c.name == file.name)
    connection.execute(delete(result_files).where(*key))
    row = {"name": file.name, "sha256": file.sha256, "size": file.size}
    connection.execute(insert(result_files).values(candidate_id=candidate_id, **row))


def _unknown(candidate_id: str) -> NotFound:
    return NotFound(f"The candidate {candidate_id[:12]} is not in the store.")
