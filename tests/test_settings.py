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


def test_a_value_of_the_wrong_type_is_named() -> None:
    with pytest.raises(InvalidRequest, match="WHETSTONE_RETENTION_DAYS is 'soon'"):
        read_settings({"WHETSTONE_RETENTION_DAYS": "soon"})
