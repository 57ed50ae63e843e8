"""Trade-off (sensitivity) analysis: the recommendation as the max accuracy drop moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.measurement import Interval
from core.domain.run import Candidate, Limits, Objective, Result
from core.insights.judgement import judge, loss
from core.insights.objectives import gain
from core.insights.recommendation import baseline_of, better, recommend

LARGEST_DROP = 10.0


@dataclass(frozen=True)
class Tradeoff:
    """The least drop from which on a candidate is recommended.

    Attributes:
        max_drop: In points or, without classes, in percent of the variance; a tenth is the step.
        candidate: The one that is recommended from there on.
        gain: By which factor it is better than the baseline in what the run's objective names.
    """

    max_drop: float
    candidate: Candidate
    gain: Interval


def steps(
    candidates: Sequence[Candidate], others: Limits, objective: Objective = Objective.LATENCY
) -> tuple[Tradeoff, ...]:
    """Return what is recommended as the limit on the drop grows, each clearly better than the one before.

    Only what can be recommended and has been admitted so far is looked at.

    Args:
        candidates: Of one run and one kind of machine.
        others: The other limits, which stay; that on the drop is not looked at.
        objective: What to have the most of.
    """
    others = replace(others, max_drop=None)
    found: list[Tradeoff] = []
    within = {each.id: each for each in candidates if each.position == 0}
    first, most = baseline_of(candidates), 0.0
    gains = {each.id: gain(each.result, first, objective) for each in candidates if each.result is not None}
    can_be = [each for each in candidates if each.position > 0 and _can_be(each, gains, others)]
    for drop, admitted in _admitted(can_be):
        within |= {each.id: each for each in admitted}
        most = max([most, *(gains[each.id].low for each in admitted)])
        last = found[-1].gain.high if found else 0.0
        if most <= last:
            continue
        chosen = recommend(list(within.values()), replace(others, max_drop=drop), objective).candidate_id
        if chosen is not None and gains[chosen].low > last:
            found.append(Tradeoff(drop, within[chosen], gains[chosen]))
    return tuple(found)


def _admitted(candidates: Sequence[Candidate]) -> Iterator[tuple[float, Sequence[Candidate]]]:
    """Yield each drop from which on more candidates may qualify or be sure to, and those that come in."""
    steps: dict[float, list[Candidate]] = {}
    for each in candidates:
        if each.result is not None:
            lost = loss(each.result)
            losses = [output.loss for output in each.result.fidelity.each] + ([lost] if lost else [])
            steps.setdefault(min(_tenth(figure.value) for figure in losses), []).append(each)
            for figure in losses:
                steps.setdefault(_tenth(figure.value), [])
                steps.setdefault(_tenth(figure.high), [])
    yield from ((step, steps[step]) for step in sorted(steps) if step <= LARGEST_DROP)


def _tenth(share: float) -> float:
    return max(0.0, math.ceil(round(10 * share, 6)) / 10)


def _can_be(candidate: Candidate, gains: Mapping[str, Interval], others: Limits) -> bool:
    """Whether a candidate would be recommended at some drop, were it alone."""
    result: Result | None = candidate.result
    return result is not None and better(gains[candidate.id]) and judge(result, others).meets
