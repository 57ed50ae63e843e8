"""Final comparison of a run (final heat): baseline and best candidates in interleaved rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.bench.timing.endpoint import Endpoint
from core.bench.timing.final_heat import heat
from core.bench.timing.interleaving import MeasurementPlan
from core.bench.timing.moments import after_heat, widened_timing
from core.datasets.splits import FOR_EVALUATION
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.engine.building import lay_out, lay_out_data
from core.store.store import Store
from core.work.folders import job_folder
from core.work.stop import Stop


def run_final_heat(
    store: Store,
    model: SourceModel,
    data: DataSet,
    entries: Sequence[tuple[Candidate, Artifact]],
    plan: MeasurementPlan,
    stop: Stop,
    seed: int = 0,
    seconds: float | None = None,
) -> list[Candidate]:
    """Return the measured candidates of `entries` with what the heat adds to their figures.

    Args:
        store: Holds the files.
        model: The source model.
        data: Rows to call it with.
        entries: The baseline first, then candidates, the more important ones first.
        plan: Wanted rounds and starts.
        stop: Ends it early.
        seed: Of all orders.
        seconds: Time for everything; None for as much as the plan wants.

    Raises:
        Cancelled: The run was stopped, or its time was over before the heat was.
    """
    measured = [(each, each.result, artifact) for each, artifact in entries if each.result is not None]
    with job_folder(store.jobs_dir) as folder:
        rows = lay_out_data(store, data, folder / "data", FOR_EVALUATION)
        endpoints = [
            Endpoint(lay_out(store, artifact, folder / f"model-{index}"), each.recipe.target, model)
            for index, (each, _, artifact) in enumerate(measured)
        ]
        found = heat(endpoints, plan, folder / "out", rows, seed, stop.over, seconds)
    first, *rest = after_heat([result.timing for _, result, _ in measured], found)
    timings = [first, *(widened_timing(timing, first.speedup, first) for timing in rest)]
    return [
        replace(each, result=replace(result, timing=timing))
        for (each, result, _), timing in zip(measured, timings, strict=True)
    ]
