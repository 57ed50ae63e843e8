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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTBEAT_S", "nan"),
        ("HEARTBEAT_S", "0"),
        ("CHILD_TIMEOUT_S", "inf"),
        ("CHILD_TIMEOUT_S", "-1"),
        ("CHILD_MEMORY_BYTES", "0"),
        ("UPLOAD_LIMIT_BYTES", "-1"),
        ("RETENTION_DAYS", "-5"),
        ("RETENTION_DAYS", "1" + "0" * 18),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(name: str, value: str) -> None:
    """Nan seconds end the heartbeat, no bytes divide by zero, endless ones overflow: each far from here."""
    with pytest.raises(InvalidRequest, match=f"WHETSTONE_{name}"):
        read_settings({f"WHETSTONE_{name}": value})
    assert read_settings({"WHETSTONE_RETENTION_DAYS": "0"}).retention_days == 0
