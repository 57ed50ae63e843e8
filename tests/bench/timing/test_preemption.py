from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from time import perf_counter_ns, process_time_ns

import pytest

from core.bench.timing.calls import timed
from core.bench.timing.preemption import Waits

WORK_NS = 10_000_000


@pytest.fixture
def one_core() -> Iterator[int]:
    """Keep this test to one core, as a measuring process of one thread is."""
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    yield core
    os.sched_setaffinity(0, before)


def work() -> None:
    """Compute for a fixed time of the processor, however long that takes."""
    until = process_time_ns() + WORK_NS
    while process_time_ns() < until:
        pass


@pytest.mark.usefixtures("one_core")
def test_what_another_program_takes_is_told_from_the_call_s_own_time() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            took, lost = timed(work, 12, 0)
        finally:
            neighbour.kill()
    # It takes half of the core or more, so a part of what the clock shows belongs to it.
    assert sum(lost) > 0.2 * sum(took)
    own = sorted(a - b for a, b in zip(took, lost, strict=True))[len(took) // 2]
    assert own == pytest.approx(WORK_NS / 1e6, rel=0.2)


@pytest.mark.usefixtures("one_core")
def test_threads_of_the_same_process_that_stand_in_each_other_s_way_cost_the_call() -> None:
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    with Waits() as waits:
        start, cpu = perf_counter_ns(), process_time_ns()
        while process_time_ns() < cpu + 20 * WORK_NS:
            pass
        took, own = perf_counter_ns() - start, process_time_ns() - cpu
        lost = waits.lost(took)
    over.set()
    thread.join()
    # All that this process computed, in whichever thread, counts as the call's own.
    assert took - lost >= 0.97 * own
