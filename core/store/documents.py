"""Immutable documents under their content's hash: models, data sets."""

from __future__ import annotations

import time
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, select

from core.errors import InvalidRequest, NotFound
from core.store.database import Database, insert_missing


class Document(Protocol):
    """A value with an id."""

    @property
    def id(self) -> str:
        """Key in the store."""


T = TypeVar("T", bound=Document)


class Documents(Generic[T]):
    """Values of one kind and owner.

    Args:
        database: Where they are kept.
        table: Their table.
        what: Their kind in words, for messages.
        owner: Whose they are.
    """

    def __init__(self, database: Database, table: Table, what: str, owner: str) -> None:
        self._database = database
        self._table = table
        self._what = what
        self._owner = owner

    def add(self, value: T) -> T:
        """Store `value` unless its id is there already, whose age then starts anew; return what is held.

        Raises:
            InvalidRequest: Another owner holds the id.
        """
        row: dict[str, Any] = {"id": value.id, "owner": self._owner, "created": time.time(), "body": value}
        with self._database.write() as connection:
            insert_missing(self._database, connection, self._table, **row)
            held = self._renewed(connection, value.id)
        if held is None:
            raise InvalidRequest(
                f"The {self._what} {value.id[:12]} belongs to somebody else.", hint="Give it another name."
            )
        return held

    def renew(self, id: str) -> T | None:
        """Return the value of this id, whose age starts anew since somebody is about to use it, or None."""
        with self._database.write() as connection:
            return self._renewed(connection, id)

    def get(self, id: str) -> T:
        """Return the value of this id.

        Raises:
            NotFound: The store does not hold it.
        """
        query = select(self._table.c.body).where(*self._mine(id))
        with self._database.read() as connection:
            found: T | None = connection.execute(query).scalar()
        if found is None:
            raise NotFound(
                f"The {self._what} {id[:12]} is not in the store.", hint=f"Upload the {self._what} again."
            )
        return found

    def list(self) -> tuple[T, ...]:
        """Return all values, newest first."""
        newest = self._table.c.created.desc(), self._table.c.id
        query = select(self._table.c.body).where(self._table.c.owner == self._owner).order_by(*newest)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def recent(self, within_s: float) -> tuple[T, ...]:
        """Return what anybody added or renewed within the last `within_s` seconds, newest first."""
        created = self._table.c.created
        query = select(self._table.c.body).where(created > time.time() - within_s).order_by(created.desc())
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def _renewed(self, connection: Connection, id: str) -> T | None:
        here = self._mine(id)
        connection.execute(self._table.update().where(*here).values(created=time.time()))
        found: T | None = connection.execute(select(self._table.c.body).where(*here)).scalar()
        return found

    def _mine(self, id: str) -> tuple[ColumnElement[bool], ...]:
        return self._table.c.id == id, self._table.c.owner == self._owner
