"""Artifact cache: built models, found again by the hash of how they were made."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from core.domain.recipe import Artifact
from core.errors import NotFound
from core.store.blobs import Blobs
from core.store.database import Database, insert_missing
from core.store.tables import artifacts


class Artifacts:
    """Artifacts with their files.

    Args:
        database: Where they are kept.
        blobs: Where their files are.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def find(self, id: str) -> Artifact | None:
        """Return the artifact if it is there and all its files are undamaged; reads the files."""
        found = self._load(id)
        whole = found is not None and all(self._blobs.verify(file.sha256) for file in found.files)
        return found if whole else None

    def get(self, id: str) -> Artifact:
        """Return the artifact without a look at its files.

        Raises:
            NotFound: The store does not hold it.
        """
        found = self._load(id)
        if found is None:
            raise NotFound(f"The artifact {id[:12]} is not in the store.", hint="Run the model again.")
        return found

    def save(self, artifact: Artifact) -> None:
        """Store `artifact`; one of the same id is replaced, since its files may have been rebuilt."""
        row: dict[str, Any] = {"id": artifact.id, "created": time.time(), "body": artifact}
        change = artifacts.update().where(artifacts.c.id == artifact.id).values(row)
        with self._database.write() as connection:
            if not connection.execute(change).rowcount:
                insert_missing(self._database, connection, artifacts, **row)

    def _load(self, id: str) -> Artifact | None:
        query = select(artifacts.c.body).where(artifacts.c.id == id)
        with self._database.read() as connection:
            found: Artifact | None = connection.execute(query).scalar()
        return found
