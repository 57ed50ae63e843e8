"""Sweeps of batch sizes and threads, made when they are asked for and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.bench.timing.sweep import DATA, MODEL, SweepRequest
from core.bench.timing.sweep import UNIT as SWEEP
from core.datasets.splits import FOR_EVALUATION
from core.domain.sweep import Sweep
from core.engine.building import parts_of
from core.engine.built import artifact_of
from core.engine.evidence import SWEPT, keep
from core.engine.executors import executor
from core.errors import InvalidRequest
from core.machine.cores import all_cores
from core.store.store import Store
from core.work.stop import Stop
from core.work.unit import Progress, unheard


def sweep(
    store: Store,
    candidate_id: str,
    on_progress: Callable[[Progress], None] = unheard,
    stop: Stop | None = None,
) -> Sweep:
    """Time a measured candidate at several batch sizes and threads, when the machine is free, and keep it.

    Args:
        store: Holds the candidate.
        candidate_id: Which one.
        on_progress: Told what is being done.
        stop: Ends it early.

    Raises:
        NotFound: There is no such candidate.
        InvalidRequest: It was not measured.
        RuntimeFailed: Its runtime refuses the artifact.
        Cancelled: It was stopped.
    """
    candidate = store.candidates.get(candidate_id)
    if candidate.result is None:
        raise InvalidRequest(
            f"{candidate.name} was not measured.", hint="Choose a candidate that runs on this machine."
        )
    run = store.runs.get(candidate.run_id)
    inputs = {MODEL: (artifact := artifact_of(store, candidate)).files}
    if run.data_id is not None:
        inputs[DATA] = parts_of(store.data.get(run.data_id), FOR_EVALUATION)
    asked = SweepRequest(
        store.models.get(run.request.model_id), replace(artifact, details={}), candidate.recipe.target
    )
    on = {"cores": candidate.recipe.target.threads, "machine": candidate.machine}
    unit = SWEEP.unit(asked, inputs=inputs, seed=run.request.seed, alone=True, **on)
    with all_cores():
        found = executor(store, run.request.executor).run(unit, stop or Stop(), on_progress).values
    keep(store, candidate_id, SWEPT, found)
    return found
