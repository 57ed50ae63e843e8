"""Stores of their own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import Store
from tests.store.postgres import emptied


@pytest.fixture
def settings(data_dir: Path, request: pytest.FixtureRequest) -> Settings:
    """Say which database: SQLite unless a test class has `on_server`."""
    on_server = getattr(request.cls, "on_server", False)
    url = emptied(request.getfixturevalue("postgres")) if on_server else ""
    return Settings(data_dir=data_dir, database_url=url)


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
