"""Candidates as trials: what a search strategy may see of them."""

from __future__ import annotations

from core.domain.run import Candidate, Limits, Trial
from core.insights.judgement import judge, loss


def trial(candidate: Candidate, limits: Limits) -> Trial:
    """Return what a strategy sees of `candidate`, judged under `limits`."""
    result = candidate.result
    if result is None:
        return Trial(candidate.recipe, candidate.status)
    lost = loss(result) or result.fidelity.worst.loss
    return Trial(
        candidate.recipe,
        candidate.status,
        result.timing.speedup,
        result.timing.latency.p50,
        lost.value,
        judge(result, limits).meets,
        result.size_bytes,
    )
