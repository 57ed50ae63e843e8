"""Paired latency benchmark: candidate and baseline in interleaved rounds until the ratio is known."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.bench.timing.between_process import Spread
from core.bench.timing.blocks import Blocks, Floats
from core.bench.timing.commands import (
    GOLDEN,
    MEMORY,
    OTHER_BATCH,
    RELOAD,
    Golden,
    Memory,
    OtherBatch,
    Reload,
)
from core.bench.timing.drift import with_own_batch
from core.bench.timing.endpoint import Cancel, Endpoint, Host, never, parent_elsewhere, timing_cores
from core.bench.timing.evaluation_set import Look, Most, run_evaluation
from core.bench.timing.interleaving import MeasurementPlan, OnBlock, Rounds, unwatched
from core.bench.timing.statistics import latency
from core.bench.timing.throughput import Rate, throughput
from core.domain.measurement import Timing
from core.domain.quality import Evaluation
from core.machine.environment import environment

Number = TypeVar("Number", int, float)
KEPT_SAMPLES = 200
GOLDEN_SAMPLES, GOLDEN_SECONDS = 4, 1.0
PREDICTIONS, GOLDEN_FILE, OTHER = "predictions", "golden.npz", "other_batch"


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Measured:
    """Result of one latency measurement.

    Attributes:
        timing: Against the baseline.
        predictions: Folder with the candidate's outputs on the evaluation set, for
            `core.bench.quality.saved_outputs.read_outputs`; None without a data set.
        evaluation: How these were computed; None without a data set.
        golden: File of a few feeds and outputs, by `core.bench.quality.predictions.save_golden`.
        round_s: Seconds that a round took by the clock.
        other_batch: Folder with the outputs of the call of `other_batch` rows; None where there is none.
    """

    timing: Timing
    predictions: Path | None
    golden: Path
    round_s: float = 0.0
    evaluation: Evaluation | None = None
    other_batch: Path | None = None


def measure(
    candidate: Endpoint,
    baseline: Endpoint,
    plan: MeasurementPlan,
    folder: Path,
    data_folder: Path | None = None,
    seed: int = 0,
    cancel: Cancel = never,
    reference: Host | None = None,
    on_block: OnBlock = unwatched,
    known: Spread | None = None,
    samples: int | None = None,
    look: Look | None = None,
    on_timed: Callable[[], None] = nothing,
    other_batch: int | None = None,
) -> Measured:
    """Measure `candidate` against `baseline` in fresh processes.

    `measure(baseline, baseline, ...)` is the A/A control of the stopwatch itself.

    Args:
        candidate: What is measured.
        baseline: What it is compared with; same model and threads.
        plan: How long and how exactly.
        folder: For the predictions and golden samples; the processes may write only there.
        data_folder: Folder of a data set, see `core.datasets.rows.Rows`; None for random inputs.
        seed: Of the order of turns and the bootstrap.
        cancel: Asked between rounds and while long commands run.
        reference: A fresh process of the baseline that was started before, while something else was done;
            it is closed at the end.
        on_block: Told the candidate's calls, block by block, while they come in; must return at once.
        known: What earlier measurements of the run tell of the spread between process starts.
        samples: Rows of the data set, where they are known.
        look: Asked on the way whether more of them are worth their time, see `run_evaluation`.
        on_timed: Told when nothing more will be timed, while the data set is still to be run; must return at
            once.
        other_batch: Rows of one more call whose outputs are kept; None for no such call.

    Raises:
        WhetstoneError: Either model cannot be opened or run, a process died, or Cancelled.
    """
    before, rounds, seen = environment(), Rounds(plan, seed, known, on_block), list[_Start]()
    # A process that was started before is loaded first, whatever is drawn.
    order = [1, 0] if reference is not None else random.Random(seed).sample((0, 1), 2)
    with _pair(candidate, baseline, folder, data_folder, cancel, order, reference) as (host, other):
        rounds.run(host, other)
        seen.append(_Start.of(host))
        _golden(host)
        other_call = other_batch is not None and _other_batch(host, other_batch)
        warm_load_ms = host.ask(RELOAD, Reload()).load_ms
        rates = throughput(host, other, candidate, plan, rounds.spread, rounds.moments, seed)
        evaluation = None
        if data_folder is not None:
            other.close()
            if not rounds.want_more:
                on_timed()
            most = Most(samples, plan.predict_rows, plan.predict_seconds)
            evaluation = run_evaluation(host, (host.written / PREDICTIONS).resolve(), most, look)
    while rounds.want_more:
        order.reverse()
        with _pair(candidate, baseline, folder, data_folder, cancel, order) as (host, other):
            rounds.run(host, other)
            seen.append(_Start.of(host))
    timing = _timing(rounds, seen, rates, warm_load_ms, before.load_before, seed)
    if plan.throughput_batches:
        timing = with_own_batch(timing, candidate.model.fixed_batch or candidate.target.batch)
    # What a process has written lies in its folder here once it has ended.
    left = (folder / "candidate").resolve()
    found = left / PREDICTIONS if evaluation else None
    return Measured(
        timing, found, left / GOLDEN_FILE, rounds.round_s, evaluation, left / OTHER if other_call else None
    )


def _timing(
    rounds: Rounds,
    seen: Sequence[_Start],
    rates: Mapping[int, Rate],
    warm_load_ms: float,
    load_before: float,
    seed: int,
) -> Timing:
    """Return the figures of all rounds and starts."""
    took, lost = _calls(rounds.candidate)
    picked = _thinned(took.size)
    begins = np.cumsum([0, *(sum(block.took_ms.size for block in start) for start in rounds.candidate[:-1])])
    return Timing(
        latency=latency(rounds.candidate, rounds.spread, seed=seed),
        baseline=latency(rounds.baseline, rounds.spread, seed=seed),
        speedup=rounds.speedup,
        rounds=rounds.count,
        unstable=rounds.doubt is not None,
        samples_ms=tuple(float(took[at]) for at in picked),
        throughput={batch: rate.per_s for batch, rate in rates.items()},
        memory_bytes=int(median(start.memory_bytes for start in seen)),
        load_ms=median(start.load_ms for start in seen),
        warm_load_ms=warm_load_ms,
        environment=replace(environment(), load_before=load_before),
        starts=len(rounds.starts),
        start_speedups=rounds.starts,
        doubt=rounds.doubt,
        disturbed=float((lost > 0).mean()),
        busy=rounds.busy,
        throughput_interval={batch: rate.interval for batch, rate in rates.items()},
        throughput_gain={batch: rate.gain for batch, rate in rates.items()},
        memory_range=_range([start.memory_bytes for start in seen]),
        load_range_ms=_range([start.load_ms for start in seen]),
        samples_lost_ms=tuple(float(lost[at]) for at in picked),
        samples_starts=tuple(int(each) for each in np.searchsorted(picked, begins)),
        first_ms=median(start.first_ms for start in seen),
    )


@dataclass(frozen=True)
class _Start:
    """What a process start shows besides its calls."""

    load_ms: float
    first_ms: float
    memory_bytes: int

    @classmethod
    def of(cls, host: Host) -> _Start:
        opened = host.open()
        return cls(opened.load_ms, opened.first_ms, host.ask(MEMORY, Memory()).bytes)


def _range(values: list[Number]) -> tuple[Number, Number] | None:
    return (min(values), max(values)) if len(values) > 1 else None


@contextmanager
def _pair(
    candidate: Endpoint,
    baseline: Endpoint,
    folder: Path,
    data: Path | None,
    cancel: Cancel,
    order: Sequence[int],
    reference: Host | None = None,
) -> Iterator[tuple[Host, Host]]:
    """Load both in a process each, keep them to the same cores and this one off them.

    Both are treated alike: the libraries are imported on whatever cores are free, the model is loaded on the
    cores that are timed, one after the other. The one that is loaded first loses about 1 %, so `order` is
    backwards in the next start. Both folders have names of one length: they enter the processes'
    environment, whose size shifts the stack and with it the speed (Mytkowicz et al., ASPLOS 2009).
    """
    cores = timing_cores(candidate.target.threads)
    with (
        reference or Host(baseline, folder / "reference", data, cores, cancel) as other,
        Host(candidate, folder / "candidate", data, cores, cancel) as host,
    ):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(Host.ready, (host, other)))
        for index in order:
            (host, other)[index].open()
        with parent_elsewhere(cores):
            yield host, other


def _calls(starts: list[Blocks]) -> tuple[Floats, Floats]:
    """Return the time of every call, and what of it other programs took, in their order."""
    blocks = [block for start in starts for block in start]
    return np.concatenate([each.took_ms for each in blocks]), np.concatenate(
        [each.lost_ms for each in blocks]
    )


def _thinned(calls: int) -> NDArray[np.int64]:
    """Return which of so many calls are kept, evenly."""
    return np.linspace(0, calls - 1, min(calls, KEPT_SAMPLES)).astype(np.int64)


def _golden(host: Host) -> None:
    host.ask(GOLDEN, Golden((host.written / GOLDEN_FILE).resolve(), GOLDEN_SAMPLES, GOLDEN_SECONDS))


def _other_batch(host: Host, batch: int) -> bool:
    """Save the outputs of one call of `batch` rows; False where the model takes no such call."""
    return host.ask(OTHER_BATCH, OtherBatch((host.written / OTHER).resolve(), batch)).rows > 0
