"""Settings out of environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidRequest
from core.settings import Settings, read_settings


def test_defaults_and_given_values() -> None:
    assert read_settings({}) == Settings()
    given = read_settings(
        {"WHETSTONE_DATA_DIR": "/x", "WHETSTONE_TRUST_UPLOADS": "True", "WHETSTONE_HEARTBEAT_S": "0.5"}
    )
    assert (given.data_dir, given.trust_uploads, given.heartbeat_s) == (Path("/x"), True, 0.5)


@pytest.mark.parametrize("owner", ["a b", "../x", "x" * 65])
def test_an_owner_is_a_plain_name(owner: str) -> None:
    assert read_settings({"WHETSTONE_OWNER": "ada@example.org"}).owner == "ada@example.org"
    with pytest.raises(InvalidRequest, match="WHETSTONE_OWNER"):
        read_settings({"WHETSTONE_OWNER": owner})


def test_a_value_of_the_wrong_type_is_named() -> None:
    with pytest.raises(InvalidRequest, match="WHETSTONE_RETENTION_DAYS is 'soon'"):
        read_settings({"WHETSTONE_RETENTION_DAYS": "soon"})
