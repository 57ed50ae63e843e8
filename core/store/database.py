"""The connection: SQLite in WAL mode, or any server that SQLAlchemy reaches; migrated when opened."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, TimeoutError

from core.errors import BackendMissing, InvalidRequest, StoreUnusable
from core.store.migrations import HEAD
from core.store.private import FOLDER, private_file

BUSY_MS = 30_000
_PROBLEMS = (DBAPIError, TimeoutError, sqlite3.Error, OSError)
_TAKE_TURNS = text(
    "SELECT set_config('lock_timeout', :wait, true), "
    "set_config('idle_in_transaction_session_timeout', :hang, true), pg_advisory_xact_lock(7311)"
).bindparams(wait=str(BUSY_MS), hang=str(2 * BUSY_MS))
"""Begins a write on a server: writers wait as long as for SQLite, and one that hangs is thrown out."""
_FILE_HINT = (
    "Nothing in it was changed. Check that its disk has space and that it may be read and written; restore "
    "it from a backup, or set WHETSTONE_DATA_DIR to another folder."
)
_SERVER_HINT = (
    "Nothing in it was changed. Check that the server runs and can be reached from here, and that the "
    "address, user and password in WHETSTONE_DATABASE_URL are right."
)
_migrating = threading.Lock()  # Alembic keeps its context in module globals


class Database:
    """Transactions on one database.

    Args:
        url: SQLAlchemy URL; SQLite or PostgreSQL.

    Raises:
        StoreUnusable: Unreadable, damaged, or written by a newer version.
        BackendMissing: The driver of a database server is not installed.
        InvalidRequest: The URL is none, or of another kind of database.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.engine = _engine(self.url)
        try:
            with self._explained():
                self._open()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._explained(), self.engine.connect() as connection:
            if self._is_server:  # SQLite has nothing less
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction: all of it happens or nothing.

        Writers take turns from the start, so that what was read inside still holds when writing: SQLite by
        its write lock, a server by an advisory lock that ends with the transaction.
        """
        with self._explained(), self.engine.connect() as connection:
            connection.execution_options(sqlite_begin="IMMEDIATE")
            with connection.begin():
                if self._is_server:
                    connection.execute(_TAKE_TURNS)
                yield connection

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that knows ``on_conflict_do_nothing``."""
        return postgresql.insert(table) if self._is_server else sqlite.insert(table)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @property
    def _is_server(self) -> bool:
        return self.url.get_backend_name() == "postgresql"

    def _open(self) -> None:
        with self.read() as connection:
            if _revision(connection) == HEAD:
                return
        with _migrating, self.write() as connection:
            _migrate(connection, self._label)

    @property
    def _label(self) -> str:
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except _PROBLEMS as error:
            reason = getattr(error, "orig", None) or error
            raise StoreUnusable(
                f"The database {self._label} cannot be used: {str(reason).strip().rstrip('.')}.",
                hint=_SERVER_HINT if self._is_server else _FILE_HINT,
            ) from error


def insert_missing(database: Database, connection: Connection, table: Table, **values: Any) -> None:
    """Insert a row unless its key is there, also when another process inserts it right now."""
    statement: Insert = database.insert(table).values(**values).on_conflict_do_nothing()
    connection.execute(statement)


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise InvalidRequest(
            "WHETSTONE_DATABASE_URL is not a database URL.",
            hint="Write it like postgresql+psycopg://user:password@host/whetstone, or unset it.",
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise InvalidRequest(
            f"Databases of the kind {parsed.get_backend_name()} are not supported.",
            hint="Use PostgreSQL, or unset WHETSTONE_DATABASE_URL for SQLite.",
        )
    return parsed


def _engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except ImportError as error:
        raise BackendMissing(
            f"The database driver {error.name} is not installed.",
            hint="Install it: pip install 'whetstone[postgres]'",
        ) from error
    if url.get_backend_name() == "sqlite":
        _make_folder(url)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise InvalidRequest(
            "A database in memory cannot be shared with the worker.", hint="Name a file in the URL."
        )
    try:
        Path(url.database).parent.mkdir(FOLDER, parents=True, exist_ok=True)
        private_file(Path(url.database))  # its WAL gets the same mode
    except OSError as error:
        raise StoreUnusable(
            f"The folder {Path(url.database).parent} cannot be created: {error.strerror}.",
            hint="Set WHETSTONE_DATA_DIR to a folder that you may write to.",
        ) from error


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    connection.isolation_level = None  # transactions begin where we say so
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    _enter_wal(connection, time.monotonic() + BUSY_MS / 1000)


def _enter_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to WAL; the switch itself does not wait for other processes that switch too."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(text("version_num")).select_from(text("alembic_version"))).scalar()


def _migrate(connection: Connection, label: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    from core.store.migrations import config

    settings = config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    current = _revision(connection)
    if current is not None and current not in known:
        raise StoreUnusable(
            f"The database {label} was written by a newer version of Whetstone (schema {current}).",
            hint="Nothing in it was changed. Update Whetstone, or set WHETSTONE_DATA_DIR to another folder.",
        )
    command.upgrade(settings, "head")
