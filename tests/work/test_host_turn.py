"""Two that measure on one machine take turns; what is not timed goes on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import Cancelled
from core.settings import get_settings
from core.work import host_turn as module
from core.work.host_turn import BEGUN, WAITING, host_turn
from core.work.stop import Stop
from core.work.unit import Progress

HOLD = """
import sys
from core.work.host_turn import host_turn

with host_turn(True):
    print(1, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHETSTONE_HOST_LOCK", str(tmp_path / "lock"))
    get_settings.cache_clear()


def test_a_measurement_waits_for_that_of_another_process_and_says_so() -> None:
    said: list[Progress] = []
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=-1, stdout=-1) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()
        threading.Timer(0.5, other.stdin.close).start()
        begin = time.monotonic()
        with host_turn(True, on_progress=said.append):
            assert time.monotonic() - begin > 0.3
    assert said == [WAITING, BEGUN]


def test_waiting_ends_when_the_work_is_stopped_or_after_a_quarter_of_its_time() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=-1, stdout=-1) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()
        begin = time.monotonic()
        with host_turn(True, Stop(begin + 2.0)):
            assert 0.3 < time.monotonic() - begin < 1.5
        stop = Stop()
        stop.set()
        with pytest.raises(Cancelled), host_turn(True, stop):
            pass
        other.stdin.close()


def test_a_turn_holds_for_what_is_done_within_it_and_ends_with_it() -> None:
    for _ in range(2):
        with host_turn(True), host_turn(True), host_turn(False):
            pass


def test_several_that_time_nothing_share_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with host_turn(False):
        monkeypatch.setattr(module._held, "turn", False)
        with host_turn(False):
            monkeypatch.setattr(module._held, "turn", False)
            begin = time.monotonic()
            with host_turn(True, Stop(begin + 0.8)):
                assert time.monotonic() - begin > 0.15
