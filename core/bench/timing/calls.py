"""Call timing and resident memory (RSS) inside the measuring process."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns, process_time_ns

from core.bench.timing.preemption import Waits
from core.protocols import ClockedCall

Call = Callable[[], object]

WARM_CALLS, WARM_SECONDS, WARM_LIMIT_SECONDS = 5, 0.2, 1.0
KIB = 1024


def warm(call: Call) -> float:
    """Call for some calls and some time, whichever is later; return the median of the later half in ms.

    A call of a second and more is made once: `Session.prepare` has made one before.
    """
    if isinstance(call, ClockedCall):
        return median(call.times(WARM_CALLS, 1000 * WARM_SECONDS))
    begin, times = perf_counter(), list[int]()
    with Waits() as waits:
        while len(times) < WARM_CALLS or perf_counter() - begin < WARM_SECONDS:
            start = perf_counter_ns()
            call()
            took = perf_counter_ns() - start
            times.append(took - waits.lost(took))
            if perf_counter() - begin > WARM_LIMIT_SECONDS:
                break
    return median(times[len(times) // 2 :]) / 1e6


def timed(call: Call, calls: int, settle_ms: float) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each of a block of calls, and how much of each other programs took.

    Calls for `settle_ms` of the processor, if it is not 0, come first and are not counted: the other process
    has had the caches in between. What other programs take from another program's calls is not known.
    """
    if isinstance(call, ClockedCall):
        return call.times(calls, settle_ms), [0.0] * calls
    clock, times, lost = perf_counter_ns, [0] * calls, [0] * calls
    # By the clock on the wall a busy neighbour could have all of that time.
    until = process_time_ns() + int(settle_ms * 1e6)
    while process_time_ns() < until:
        call()
    with Waits() as waits:
        for index in range(calls):
            start = clock()
            call()
            times[index] = clock() - start
            lost[index] = waits.lost(times[index])
    return [each / 1e6 for each in times], [each / 1e6 for each in lost]


def once(call: Call) -> float:
    """Call twice; return the milliseconds of the second, which has warm caches."""
    call()
    if isinstance(call, ClockedCall):
        return call.times(1, 0.0)[0]
    start = perf_counter()
    call()
    return 1000 * (perf_counter() - start)


def memory(field: str, programs: bool = False) -> int:
    """Return ``VmRSS`` (resident now) or ``VmHWM`` (resident at most so far) in bytes.

    Args:
        field: Which of both.
        programs: Whether that of all programs that this process started counts, too.
    """
    return sum(_memory(field, each) for each in ("self", *(_descendants() if programs else ())))


def _memory(field: str, process: str) -> int:
    with suppress(OSError):  # it ended meanwhile
        for line in Path("/proc", process, "status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * KIB
    return 0


def _descendants() -> list[str]:
    """Return the ids of the processes that this one started, and of those that they did."""
    parents: dict[str, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name before may hold anything; behind it come the state and the parent.
            parents[folder.name] = (folder / "stat").read_text().rpartition(")")[2].split()[1]
    found = [str(os.getpid())]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]
