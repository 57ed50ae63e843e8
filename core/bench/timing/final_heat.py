"""Final comparison (final heat): baseline and best candidates in interleaved rounds, at a second moment."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from time import monotonic

from core.bench.timing.between_process import SHORT_CALL_MS
from core.bench.timing.blocks import Block, Floats, busy, calls_of, ratios, settle_of
from core.bench.timing.endpoint import Cancel, Endpoint, Host, never, parent_elsewhere, timing_cores
from core.bench.timing.interleaving import (
    FEWEST_ROUNDS_PER_START,
    MeasurementPlan,
    Side,
    close,
    run_round,
    turns,
)
from core.errors import Cancelled, WhetstoneError
from core.machine.environment import memory_available, memory_limit

LOG = logging.getLogger(__name__)
# So much of the memory stays free for everybody else.
SPARE_SHARE, SPARE_BYTES = 0.15, 1 << 30
# Imports at once; they take most of the time that a start takes.
AT_ONCE = 2


@dataclass(frozen=True)
class Heated:
    """Result of the final comparison for one entry.

    Attributes:
        starts: Baseline time by the entry's time, one array (rounds,) for every process start in which it
            could be loaded; for the baseline itself, by the time of a second process of it.
        batch: Samples per call.
        busy: Time that other programs took from the calls by that of the calls themselves, over all entries.
    """

    starts: tuple[Floats, ...]
    batch: int
    busy: float = 0.0


@dataclass
class _Entry:
    """One process of the heat; `blocks` are those of the present start."""

    endpoint: Endpoint
    folder: Path
    host: Host | None = None
    blocks: list[Block] = field(default_factory=list)
    starts: list[Floats] = field(default_factory=list)

    def leave(self) -> None:
        """End the process and forget what it has shown in this start."""
        if self.host is not None:
            self.host.close()
        self.host, self.blocks = None, []

    @property
    def side(self) -> Side:
        assert self.host is not None
        return self.host, self.host.open().call_ms, self.blocks


def heat(
    entries: Sequence[Endpoint],
    plan: MeasurementPlan,
    folder: Path,
    data_folder: Path | None = None,
    seed: int = 0,
    cancel: Cancel = never,
    seconds: float | None = None,
) -> list[Heated]:
    """Time all `entries` against each other, round by round, in several starts of fresh processes.

    Every start loads all of them in random order, the baseline twice: its second process is the control. A
    round is one block of each, in random order, so that whatever the machine does in that moment hits all
    alike. `core.bench.timing.moments.after_heat` joins what comes of it with the first measurements:

        found = heat([baseline, *front], plan, folder, data, seed, cancel, seconds=left)
        timings = after_heat([each.result.timing for each in (baseline, *front)], found)

    An entry that cannot be loaded, or for which memory does not suffice beside the others (put the more
    important ones first), is left out and has no starts. Nothing is raised for it: it was measured before.
    Where not even the baseline can be loaded twice, or no time is left, nobody has any.

    Args:
        entries: The baseline first, then the candidates; same threads and batch.
        plan: Wanted rounds (`min_rounds`) and starts (`heat_starts`) of the heat, and its target.
        folder: The processes may write only there.
        data_folder: Folder of the data set, or None for random inputs.
        seed: Of all orders.
        cancel: Asked between blocks and while models are loaded. It is for a person's stop: a budget that
            ends goes into `seconds`, or what the heat has found is lost.
        seconds: Time for everything, loading included; None for as long as the plan takes.

    Returns:
        What was found of each of `entries`, in their order.

    Raises:
        Cancelled: The person asked to stop.
    """
    left, order, starts = _Clock(seconds), random.Random(seed), plan.heat_starts
    blocks = list[Block]()
    # Names of one length, since they enter the environment of the processes.
    control = _Entry(entries[0], folder / "heat-000")
    heated = [_Entry(each, folder / f"heat-{index:03d}") for index, each in enumerate(entries, 1)]
    while starts > 0:
        begin = monotonic()
        for entry in (control, *heated):
            entry.leave()
        with _loaded([control, *heated], data_folder, cancel, order, left) as present:
            if present[:2] != [control, heated[0]]:
                break
            starts, end = _share(present, plan, starts, left, monotonic() - begin)
            if _run(present, plan, order, end):
                _settle(control, heated)
                blocks += [block for entry in present for block in entry.blocks]
            if not _decided_by_starts(present, heated[1:]):
                starts = min(starts, plan.starts)
        starts -= 1
    taken = busy(blocks)
    return [Heated(tuple(each.starts), each.endpoint.target.batch, taken) for each in heated]


def _decided_by_starts(present: list[_Entry], candidates: list[_Entry]) -> bool:
    """Return whether another start could change what is said: of short calls, or of one near the baseline."""
    if any(entry.side[1] < SHORT_CALL_MS for entry in present):
        return True
    return any(close(start) for entry in candidates for start in entry.starts)


def _share(
    present: list[_Entry], plan: MeasurementPlan, starts: int, left: _Clock, loading_s: float
) -> tuple[int, float]:
    """Return how many starts there is time for, this one included, and when the rounds of this one end.

    Another start has to load everything again. Where that leaves too little for the rounds, one start with
    enough of them is worth more than several that do not come to any.
    """
    wanted = _wanted(plan) * _round_s(present)
    while starts > 1 and (left.seconds - (starts - 1) * loading_s) / starts < wanted:
        starts -= 1
    most = plan.limit_s(_round_s(present)) * len(present) / 2
    return starts, monotonic() + min(most, (left.seconds - (starts - 1) * loading_s) / starts)


def _wanted(plan: MeasurementPlan) -> int:
    return max(FEWEST_ROUNDS_PER_START, ceil(plan.min_rounds / plan.heat_starts))


def _round_s(present: list[_Entry]) -> float:
    """Return the seconds of one round, roughly."""
    return sum(calls_of(ms) * ms + settle_of(ms) for _, ms, _ in (entry.side for entry in present)) / 1000


class _Clock:
    def __init__(self, seconds: float | None) -> None:
        self._end = float("inf") if seconds is None else monotonic() + seconds

    @property
    def seconds(self) -> float:
        """What is left."""
        return self._end - monotonic()


@contextmanager
def _loaded(
    entries: list[_Entry], data: Path | None, cancel: Cancel, order: random.Random, left: _Clock
) -> Iterator[list[_Entry]]:
    """Load what fits and can be loaded; yield those entries in their order."""
    cores = timing_cores(entries[0].endpoint.target.threads)

    def started(entry: _Entry) -> None:
        entry.host = Host(entry.endpoint, entry.folder, data, cores, cancel)
        stack.callback(entry.host.close)
        entry.host.ready()

    def opened(entry: _Entry) -> None:
        if entry.host is not None:
            entry.host.open()

    with ExitStack() as stack:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda entry: _try(started, entry, left), entries))
        for entry in order.sample(entries, len(entries)):
            _try(opened, entry, left)
        with parent_elsewhere(cores):
            yield [entry for entry in entries if entry.host is not None]


def _try(step: Callable[[_Entry], None], entry: _Entry, left: _Clock) -> None:
    """Take a step with an entry; leave it out where time, memory or the entry itself does not allow it."""
    try:
        if left.seconds > 0 and _fits(entry.endpoint):
            step(entry)
            return
    except Cancelled:
        raise
    except WhetstoneError as error:
        # It was measured before; here it is only left out.
        LOG.warning("A candidate takes no part in the final heat: %s", error.message)
    entry.leave()


def _fits(endpoint: Endpoint) -> bool:
    files = sum(path.stat().st_size for path in endpoint.artifact.files if path.is_file())
    return memory_available() > max(SPARE_BYTES, SPARE_SHARE * memory_limit()) + 3 * files


def _run(present: list[_Entry], plan: MeasurementPlan, order: random.Random, end: float) -> bool:
    """Run the rounds of one start; return whether there were any."""
    sides, rounds, longest = [entry.side for entry in present], 0, _round_s(present)
    in_turn = turns(sides, order)
    try:
        while rounds < _wanted(plan) and monotonic() + longest < end:
            begin = monotonic()
            run_round(next(in_turn))
            longest, rounds = max(longest, monotonic() - begin), rounds + 1
    except Cancelled:
        raise
    except WhetstoneError:
        # A process died between two rounds: what this start has seen is incomplete.
        return False
    return rounds > 0


def _settle(control: _Entry, heated: list[_Entry]) -> None:
    """Keep the ratios of this start: baseline by each, and the baseline itself by its second process."""
    baseline = heated[0]
    for entry in heated:
        ours = control.blocks if entry is baseline else entry.blocks
        if entry.host is not None and len(ours) == len(baseline.blocks):
            entry.starts.append(ratios(baseline.blocks, ours))
