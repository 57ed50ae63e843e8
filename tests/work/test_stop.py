from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.errors import Cancelled
from core.sandbox.process import Child
from core.work.stop import Stop


def test_a_stop_between_the_check_and_the_registration_still_ends_the_step(tmp_path: Path) -> None:
    stop, seen = Stop(), []

    def step() -> None:
        with Child("core.sandbox.entry", reads=(), writes=tmp_path) as child:
            try:
                with stop.watching(child):
                    seen.append("went on")
            except Cancelled:
                seen.append("cancelled")

    thread = threading.Thread(target=step)
    with stop._lock:  # keeps the step where the gap was
        thread.start()
        thread.join(1.0)
        assert thread.is_alive()
        stop.event.set()
    thread.join()
    assert seen == ["cancelled"]
    with pytest.raises(Cancelled):
        stop.check()
