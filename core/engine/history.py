"""Trial history for search strategies, made of a run's candidates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from core.domain.events import Event, EventKind
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.run import Candidate, Result, Run, RunRequest
from core.domain.trial import Trial
from core.insights.judgement import judge, loss
from core.insights.objectives import gain
from core.insights.recommendation import baseline_of
from core.protocols import Trainer
from core.registry import passes
from core.store.store import Store

Z95, TOP1 = 1.96, "top1"
EARLIER_RUNS = 12
"""How many earlier runs a search looks back to."""


def trial(candidate: Candidate, request: RunRequest, baseline: Result | None = None) -> Trial:
    """Return what a strategy sees of `candidate`, judged as was requested.

    Its recipe names no machine, as the strategy's own do not; its quality is that on the search rows. Without
    these there is no loss to be seen, whatever was measured on the test.

    Args:
        candidate: In any state.
        request: Its limits and objective count.
        baseline: Of its run, once measured.
    """
    recipe = candidate.recipe.on("")
    if candidate.result is None:
        return Trial(recipe, candidate.status)
    timing, seen = candidate.result.timing, candidate.result.for_search()
    lost = None if seen is None else loss(seen) or seen.fidelity.worst.loss
    return Trial(
        recipe,
        candidate.status,
        timing.speedup,
        timing.latency.p50,
        None if lost is None else lost.value,
        seen is not None and judge(seen, request.limits).meets,
        candidate.result.size_bytes,
        gain(candidate.result, baseline, request.objective),
        loss_sd=0.0 if lost is None else (lost.high - lost.low) / (2 * Z95),
        changed=None if seen is None else _changed(seen),
    )


def _changed(seen: Result) -> float | None:
    """Return how many of 100 answers changed, where right ones are counted."""
    agreement = seen.fidelity.top1_agreement
    if seen.accuracy is None or seen.accuracy.metric != TOP1 or agreement is None:
        return None
    return 100 - agreement.value


def history(candidates: Sequence[Candidate], request: RunRequest, events: Sequence[Event]) -> list[Trial]:
    """Return the trials of a run in their order, the baseline first, each with the seconds it took."""
    took: defaultdict[str, float] = defaultdict(float)
    trained: defaultdict[str, float] = defaultdict(float)
    for event in events:
        seconds = event.seconds or 0.0
        took[event.candidate] += seconds
        if event.kind is EventKind.BUILT and isinstance(passes().get(event.data.get("step", "")), Trainer):
            trained[event.candidate] += seconds
    first = baseline_of(candidates)
    return [
        replace(trial(each, request, first), seconds=took[each.id], trained_s=trained[each.id])
        for each in candidates
    ]


def priors(store: Store, run: Run, model: SourceModel, here: Environment) -> list[Trial]:
    """Return what runs before `run` measured on such a machine of models of the same task.

    Of the test they tell nothing: a loss is there where it was measured on search rows.
    """
    found: list[Trial] = []
    listed = [each.run for each in store.runs.list()]
    before = [
        each
        for each in listed
        if each.created < run.created and not each.request.measure_on and not each.imported
    ]
    for other in before[:EARLIER_RUNS]:
        candidates = store.candidates.list(other.id)
        first = baseline_of(candidates)
        if first is None or other.request.threads != run.request.threads:
            continue
        if first.timing.environment.cpu == here.cpu and _task(store, other) == model.task:
            made = [trial(each, run.request, first) for each in candidates[1:]]
            found += [each for each in made if each.gain is not None]
    return found


def _task(store: Store, run: Run) -> str:
    return store.models.get(run.request.model_id).task
