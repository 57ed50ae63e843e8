from __future__ import annotations

import pytest

from core.settings import get_settings
from core.views import machine


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@host/db?x=1", "postgresql://host/db?password=secret"]
)
def test_the_password_of_the_database_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHETSTONE_DATABASE_URL", url)
    get_settings.cache_clear()
    shown = {name: value for name, value, _ in machine().settings}["WHETSTONE_DATABASE_URL"]
    assert shown == url.replace("secret", "***")
