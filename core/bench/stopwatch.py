"""The fair stopwatch: candidate and baseline side by side, in turns, until the ratio is known."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import numpy as np

from core.bench.endpoint import Cancel, Endpoint, Host, never, parent_elsewhere, timing_cores
from core.bench.environment import environment, memory_available
from core.bench.rounds import Blocks, OnBlock, Plan, Rounds, untold
from core.bench.statistics import latency
from core.domain.measurement import Timing
from core.errors import Cancelled, WhetstoneError

KEPT_SAMPLES = 200
GOLDEN, GOLDEN_SECONDS = 4, 1.0
MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class Measured:
    """What one measurement left.

    Attributes:
        timing: Against the baseline.
        predictions: Folder with the candidate's outputs on the evaluation set, for
            `core.bench.saved.read_outputs`; None without a data set.
        golden: File of a few feeds and outputs, by `core.bench.predictions.save_golden`.
    """

    timing: Timing
    predictions: Path | None
    golden: Path


def measure(
    candidate: Endpoint,
    baseline: Endpoint,
    plan: Plan,
    folder: Path,
    data_folder: Path | None = None,
    seed: int = 0,
    cancel: Cancel = never,
    reference: Host | None = None,
    on_block: OnBlock = untold,
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

    Raises:
        WhetstoneError: Either model cannot be opened or run, a process died, or Cancelled.
    """
    before = environment()
    rounds = Rounds(plan, seed, on_block)
    with _pair(candidate, baseline, folder, data_folder, cancel, reference) as (host, other):
        theirs, ours = other.open(), host.open()
        rounds.run(host, other, ours["call_ms"], theirs["call_ms"])
        memory = int(host.long("memory")["bytes"])
        predictions, golden = _outputs(host, folder / "candidate", data_folder, plan)
        warm_load_ms = float(host.long("reload")["load_ms"])
        throughput = _throughput(host, candidate, plan)
    while rounds.want_more:
        begin = monotonic()
        with _pair(candidate, baseline, folder, data_folder, cancel) as (host, other):
            rounds.run(host, other, host.open()["call_ms"], other.open()["call_ms"], begin)
    timing = Timing(
        latency=latency(rounds.candidate, seed=seed),
        baseline=latency(rounds.baseline, seed=seed),
        speedup=rounds.speedup,
        rounds=rounds.count,
        unstable=rounds.unstable,
        samples_ms=_thinned(rounds.candidate),
        throughput=throughput,
        memory_bytes=memory,
        load_ms=float(ours["load_ms"]),
        warm_load_ms=warm_load_ms,
        environment=replace(environment(), load_before=before.load_before),
    )
    return Measured(timing, predictions, golden)


@contextmanager
def _pair(
    candidate: Endpoint,
    baseline: Endpoint,
    folder: Path,
    data: Path | None,
    cancel: Cancel,
    reference: Host | None = None,
) -> Iterator[tuple[Host, Host]]:
    """Load both in a process each, keep them to the same cores and this one off them.

    Both folders have names of one length: they enter the processes' environment, whose size shifts the stack
    and with it the speed (Mytkowicz et al., ASPLOS 2009).
    """
    cores = timing_cores(candidate.target.threads)
    with (
        reference or Host(baseline, folder / "reference", data, cores, cancel) as other,
        Host(candidate, folder / "candidate", data, cores, cancel) as host,
    ):
        with ThreadPoolExecutor(1) as meanwhile:
            loading = meanwhile.submit(other.open)
            host.warm_up()
            host.pin()
            host.open()
            loading.result()
        other.pin()
        with parent_elsewhere(cores):
            yield host, other


def _thinned(starts: list[Blocks]) -> tuple[float, ...]:
    calls = np.concatenate([np.asarray(block) for blocks in starts for block in blocks])
    picked = np.linspace(0, calls.size - 1, min(calls.size, KEPT_SAMPLES)).astype(int)
    return tuple(float(value) for value in calls[picked])


def _outputs(host: Host, folder: Path, data_folder: Path | None, plan: Plan) -> tuple[Path | None, Path]:
    golden = folder.resolve() / "golden.npz"
    host.long("golden", path=str(golden), count=GOLDEN, seconds=GOLDEN_SECONDS)
    if data_folder is None:
        return None, golden
    predictions = folder.resolve() / "predictions"
    host.long("predict", folder=str(predictions), seconds=plan.predict_seconds, rows=plan.predict_rows)
    return predictions, golden


def _throughput(host: Host, endpoint: Endpoint, plan: Plan) -> dict[int, float]:
    """Return samples per second by batch size; what the model refuses or memory cannot hold is absent."""
    fixed = endpoint.model.fixed_batch
    batches = sorted(plan.throughput_batches) if fixed is None else [fixed] if plan.throughput_batches else []
    found: dict[int, float] = {}
    grown, last = 0.0, None
    for batch in batches:
        if last is not None and grown * batch / last > MEMORY_SHARE * memory_available():
            break
        try:
            answer = host.long("throughput", batch=batch, seconds=plan.throughput_seconds)
        except Cancelled:
            raise
        except WhetstoneError:
            # A refused size is a fact about the model, and bigger ones would be refused too.
            break
        found[batch], grown, last = float(answer["per_s"]), float(answer["memory"]), batch
    return found
