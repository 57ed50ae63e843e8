"""Final comparison of a run (final heat): baseline and best candidates in interleaved rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.bench.heat import DATA, HeatRequest, entry_input
from core.bench.heat import UNIT as HEAT
from core.bench.timing.interleaving import MeasurementPlan
from core.bench.timing.moments import after_heat, against_each_other, widened_timing
from core.datasets.splits import FOR_EVALUATION
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact
from core.domain.run import Candidate, of_one_machine
from core.engine.building import parts_of
from core.engine.executors import local
from core.store.store import Store
from core.work.executor import Executor
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
    executor: Executor | None = None,
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
        executor: Who measures; this machine if not given.

    Raises:
        Cancelled: The run was stopped, or its time was over before the heat was.
    """
    measured = [(each, each.result, artifact) for each, artifact in entries if each.result is not None]
    inputs = {entry_input(index): artifact.files for index, (_, _, artifact) in enumerate(measured)}
    inputs[DATA] = parts_of(data, FOR_EVALUATION)
    request = HeatRequest(
        model, tuple((artifact, each.recipe.target) for each, _, artifact in measured), plan, seconds
    )
    target = of_one_machine([each for each, _ in entries])[0].recipe.target
    on = {"cores": target.threads, "machine": target.machine}
    unit = HEAT.unit(request, inputs=inputs, seed=seed, alone=True, **on)
    answer = (executor or local(store)).run(unit, stop).values
    found = [each.heated() for each in answer.found]
    before = [result.timing for _, result, _ in measured]
    first, *rest = after_heat(before, found)
    timings = [first, *(widened_timing(timing, first.speedup, first) for timing in rest)]
    pairs = against_each_other(before, found)
    rivals = [{measured[at][0].id: over for at, over in each.items()} for each in pairs]
    return [
        replace(each, result=replace(result, timing=replace(timing, rivals=others)))
        for (each, result, _), timing, others in zip(measured, timings, rivals, strict=True)
    ]
