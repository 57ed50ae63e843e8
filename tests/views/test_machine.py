from __future__ import annotations

import pytest

from core.settings import get_settings
from core.views import machine


def test_no_cluster_is_looked_for_unless_it_is_chosen() -> None:
    assert machine().cluster is None


def test_what_is_missing_to_reach_the_cluster_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHETSTONE_EXECUTOR", "ray")
    monkeypatch.setenv("WHETSTONE_RAY_ADDRESS", "127.0.0.1:1")
    get_settings.cache_clear()
    found = machine().cluster
    assert found is not None
    assert found.nodes == ()
    assert "ray" in found.missing.lower()
    assert found.hint


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@host/db?x=1", "postgresql://host/db?password=secret"]
)
def test_the_password_of_the_database_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHETSTONE_DATABASE_URL", url)
    get_settings.cache_clear()
    shown = {name: value for name, value, _ in machine().settings}["WHETSTONE_DATABASE_URL"]
    assert shown == url.replace("secret", "***")
