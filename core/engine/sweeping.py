"""Sweeps of batch sizes and threads, made when they are asked for and kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from core.bench.timing.sweep import DATA, MODEL, SweepRequest
from core.bench.timing.sweep import UNIT as SWEEP
from core.datasets.splits import FOR_EVALUATION
from core.domain.sweep import Sweep
from core.engine.building import parts_of
from core.engine.executors import executor
from core.engine.kits import artifact_of
from core.errors import InvalidRequest, NotFound
from core.machine.cores import all_cores
from core.serde import from_json, to_json
from core.store.store import Store
from core.work.stop import Stop
from core.work.unit import Progress, unheard

FILE = "sweep.json"
"""Name of a candidate's sweep among its result files."""


def stored_sweep(store: Store, candidate_id: str) -> Sweep | None:
    """Return the sweep of a candidate, None where none was made."""
    with suppress(NotFound):
        return from_json(store.results.get(candidate_id, FILE).read_bytes(), Sweep)
    return None


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
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_text(to_json(found), encoding="utf-8")
        store.results.keep(candidate_id, store.blobs.add(path))
    return found
