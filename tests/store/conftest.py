"""Stores of their own for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core.settings import Settings
from core.store import Store

SERVER = os.environ.get("WHETSTONE_TEST_DATABASE_URL", "")


def emptied(url: str) -> str:
    """Drop all tables of the server's database and return its URL."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
def settings(data_dir: Path, request: pytest.FixtureRequest) -> Settings:
    """Say which database: SQLite unless a test class has `server`."""
    server = getattr(request.cls, "server", False)
    return Settings(data_dir=data_dir, database_url=emptied(SERVER) if server else "")


@pytest.fixture
def another(settings: Settings) -> Iterator[Callable[..., Store]]:
    """Open further stores on the same data."""
    opened: list[Store] = []

    def open_store(grace_s: float = 0.0) -> Store:
        opened.append(Store(settings, grace_s))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(another: Callable[..., Store]) -> Store:
    """Open a store that sweeps without grace time."""
    return another()
