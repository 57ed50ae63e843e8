"""Fixtures for all tests: a data folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from core.settings import get_settings
from tests.browser import browser, page
from tests.store.postgres import postgres

__all__ = ["browser", "page", "postgres"]

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty data folder."""
    folder = tmp_path / "whetstone"
    monkeypatch.setenv("WHETSTONE_DATA_DIR", str(folder))
    # Tests beside each other would wait for each other's measurements.
    monkeypatch.setenv("WHETSTONE_HOST_LOCK", str(tmp_path / "host.lock"))
    get_settings.cache_clear()
    return folder
