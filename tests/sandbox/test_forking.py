from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from core.errors import WhetstoneError
from core.sandbox.forking import prepare
from core.sandbox.process import Child
from tests.sandbox.conftest import CHILD_TIMEOUT, ENV, MODULE, needs_confinement
from tests.sandbox.test_process import wait_until_gone

pytestmark = needs_confinement
SLOW_TO_IMPORT = ("wave", "no.such.module")


def parent_of(child: Child) -> int:
    return int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_children_of_one_server_have_what_was_asked_for_imported(tmp_path: Path) -> None:
    prepare(SLOW_TO_IMPORT, ENV)
    with (
        Child(MODULE, writes=tmp_path / "one", env=ENV, imports=()) as one,
        Child(MODULE, writes=tmp_path / "other", env=ENV, imports=SLOW_TO_IMPORT) as other,
        Child(MODULE, writes=tmp_path / "third", env={**ENV, "OMP_NUM_THREADS": "3"}, imports=()) as third,
    ):
        found = [child.call("environment", {}, CHILD_TIMEOUT) for child in (one, other, third)]
        assert parent_of(one) == parent_of(other) != parent_of(third)
        assert os.getpid() not in (parent_of(one), parent_of(third))
    assert [SLOW_TO_IMPORT[0] in each["modules"] for each in found] == [True, True, False]
    assert [each["env"]["OMP_NUM_THREADS"] for each in found] == ["1", "1", "3"]


def test_children_end_with_their_server_and_the_next_gets_another(tmp_path: Path) -> None:
    with Child(MODULE, writes=tmp_path / "one", env=ENV, imports=()) as child:
        child.call("environment", {}, CHILD_TIMEOUT)
        server = parent_of(child)
        os.kill(server, signal.SIGKILL)
        wait_until_gone(child.pid)
        with pytest.raises(WhetstoneError):
            child.call("environment", {}, CHILD_TIMEOUT)
    with Child(MODULE, writes=tmp_path / "other", env=ENV, imports=()) as child:
        child.call("environment", {}, CHILD_TIMEOUT)
        assert parent_of(child) != server
