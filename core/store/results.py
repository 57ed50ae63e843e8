"""Files that belong to candidates, such as golden outputs and predictions."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, insert, select

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

    def refer(self, candidate_id: str, file: FileRef, worker: str) -> FileRef:
        """Keep `file`, whose content is in the store, for the candidate, replacing one of its name.

        Raises:
            NotFound: No such candidate.
            ClaimLost: The candidate's run is not this worker's.
        """
        key = (result_files.c.candidate_id == candidate_id, result_files.c.name == file.name)
        with self._database.write() as connection:
            owner = select(candidates.c.run_id).where(candidates.c.id == candidate_id)
            run_id = connection.execute(owner).scalar()
            if run_id is None:
                raise NotFound(f"The candidate {candidate_id[:12]} is not in the store.")
            bump_owned(connection, run_id, worker)
            connection.execute(delete(result_files).where(*key))
            row = {"name": file.name, "sha256": file.sha256, "size": file.size}
            connection.execute(insert(result_files).values(candidate_id=candidate_id, **row))
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
