"""Calls of a loaded model against the clock, and the memory of the process that makes them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter, perf_counter_ns

Call = Callable[[], object]

WARM_CALLS, WARM_SECONDS, WARM_LIMIT_SECONDS = 5, 0.2, 5.0
KIB = 1024


def warm(call: Call) -> float:
    """Call for some calls and some time, whichever is later; return the median of the later half in ms."""
    begin, times = perf_counter(), list[float]()
    while len(times) < WARM_CALLS or perf_counter() - begin < WARM_SECONDS:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
        if len(times) > 1 and perf_counter() - begin > WARM_LIMIT_SECONDS:
            break
    return 1000 * median(times[len(times) // 2 :])


def timed(call: Call, calls: int, settle_ms: float) -> list[float]:
    """Return the milliseconds of each of a block of calls.

    At least one call, and `settle_ms` of them, come first and are not counted: the other process has had
    the caches in between. Calls during which the system gave the core to another program are left out, as
    long as a quarter of the calls remains: they would say more about that program, and the longer a call
    the more of them there are.
    """
    clock, times, calm = perf_counter_ns, [0] * calls, [True] * calls
    until = clock() + int(settle_ms * 1e6)
    call()
    while clock() < until:
        call()
    for index in range(calls):
        switches = getrusage(RUSAGE_SELF).ru_nivcsw
        start = clock()
        call()
        times[index] = clock() - start
        calm[index] = getrusage(RUSAGE_SELF).ru_nivcsw == switches
    kept = list(compress(times, calm))
    return [nanoseconds / 1e6 for nanoseconds in (kept if 4 * len(kept) >= calls else times)]


def rate(call: Call, seconds: float) -> float:
    """Return calls per second over at least one call and `seconds`, after one that is not counted."""
    call()
    start, calls = perf_counter(), 0
    while not calls or perf_counter() - start < seconds:
        call()
        calls += 1
    return calls / (perf_counter() - start)


def memory(field: str) -> int:
    """Return ``VmRSS`` (resident now) or ``VmHWM`` (resident at most so far) of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * KIB
    return 0
