"""Unit of work that times a candidate at several batch sizes and threads, with the machine for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import msgspec
import numpy as np

from core.bench.timing.blocks import calls_of, settle_of
from core.bench.timing.commands import BATCH, SetBatch
from core.bench.timing.endpoint import Endpoint, Host, parent_elsewhere, timing_cores
from core.bench.timing.statistics import runs_needed
from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Target
from core.domain.sweep import Setting, Sweep
from core.errors import Cancelled, WhetstoneError
from core.machine.energy import OF_ALL, Reading, reading
from core.machine.environment import environment, memory_available, usable_cores
from core.protocols import LocalArtifact
from core.work.unit import Done, Job, Kind, Progress

MODEL, DATA = "model", "data"
"""The unit's inputs: files of the candidate, and rows to call it with."""
BATCHES = (1, 2, 4, 8, 16, 32, 64)
SETTING_S, LONGEST_S = 0.4, 4.0
"""Seconds for a setting; one of which a single call takes longer than the second is left out."""
MEMORY_SHARE = 0.5
TOO_LARGE = "Larger batches were left out: they take too long, too much memory, or the model refuses them."


class SweepRequest(msgspec.Struct, frozen=True):
    """What to time.

    Attributes:
        model: The source model.
        artifact: Of the candidate.
        target: How it runs in its run; batch and threads are varied.
        cores: Threads at most; 0 for all cores of the machine.
    """

    model: SourceModel
    artifact: Artifact
    target: Target
    cores: int = 0


def sweep(request: SweepRequest, job: Job) -> Done[Sweep]:
    """Time all settings.

    Raises:
        RuntimeFailed: The runtime refuses the artifact at its own batch size.
        Cancelled: The work was stopped.
    """
    before, found, cut = environment(), list[Setting](), False
    all_threads = threads_of(request.cores or usable_cores())
    for done, threads in enumerate(all_threads):
        job.progress(
            Progress(
                message=f"timing with {threads} of {all_threads[-1]} threads", share=done / len(all_threads)
            )
        )
        settings, whole = _with_threads(request, job, threads)
        found += settings
        cut |= not whole
    energy = reading()
    return Done(
        Sweep(
            tuple(found),
            replace(environment(), load_before=before.load_before),
            OF_ALL if isinstance(energy, Reading) else energy,
            TOO_LARGE if cut else "",
        )
    )


def threads_of(cores: int) -> list[int]:
    """Return the numbers of threads to try: powers of two, and all cores."""
    powers = [1 << power for power in range(cores.bit_length()) if 1 << power < cores]
    return [*powers, max(cores, 1)]


def _with_threads(request: SweepRequest, job: Job, threads: int) -> tuple[list[Setting], bool]:
    """Return the settings of one number of threads, and whether all batches were timed."""
    cores, model = timing_cores(threads), request.model
    target = replace(
        request.target, threads=threads, batch=1 if model.fixed_batch is None else request.target.batch
    )
    artifact = LocalArtifact.of(request.artifact, job.inputs[MODEL])
    folder: Path = job.folder / f"threads-{threads:03d}"
    with Host(Endpoint(artifact, target, model), folder, job.inputs.get(DATA), cores, job.over) as host:
        host.ready()
        opened = host.open()
        with parent_elsewhere(cores):
            if model.fixed_batch is not None:
                return [_timed(host, model.fixed_batch, threads, opened.call_ms)], True
            settings = list(_batches(host, threads, opened.call_ms))
    return settings, len(settings) == len(BATCHES)


def _batches(host: Host, threads: int, call_ms: float) -> Iterator[Setting]:
    """Yield the settings up to the first batch that is refused or takes too much."""
    grown = 0.0
    for batch in BATCHES:
        if batch * call_ms > 1000 * LONGEST_S or batch * grown > MEMORY_SHARE * memory_available():
            return
        try:
            known = host.ask(BATCH, SetBatch(batch))
        except Cancelled:
            raise
        except WhetstoneError:
            if batch == BATCHES[0]:
                raise
            return
        grown = known.memory / batch
        yield _timed(host, batch, threads, known.call_ms)


def _timed(host: Host, batch: int, threads: int, call_ms: float) -> Setting:
    took, begin, energy = list[float](), monotonic(), reading()
    while not took or monotonic() - begin < SETTING_S:
        took += host.block(calls_of(call_ms), settle_of(call_ms)).own_ms.tolist()
    after, seconds = reading(), monotonic() - begin
    joules = None
    if isinstance(energy, Reading) and isinstance(after, Reading):
        # Calls that settle the caches are not counted: power by time, not energy by calls.
        joules = energy.joules_until(after) / seconds * float(np.mean(took)) / 1000 / batch
    p50 = float(np.median(took))
    p95 = float(np.quantile(took, 0.95)) if len(took) >= runs_needed(0.95) else None
    return Setting(batch, threads, p50, p95, 1000 * batch / p50, len(took), joules)


UNIT = Kind(__name__, "sweep", SweepRequest, Sweep, sweep, confined=False)
