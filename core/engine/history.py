"""Trial history for search strategies, made of a run's candidates."""

from __future__ import annotations

from core.domain.run import Candidate, Result, RunRequest
from core.domain.trial import Trial
from core.insights.judgement import judge, loss
from core.insights.objectives import gain


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
    )
