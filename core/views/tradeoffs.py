"""What other limits would buy: the recommendation as the largest drop moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from core.domain.run import Candidate, Limits
from core.insights.judgement import loss, noise_share
from core.insights.recommendation import recommend
from core.store.store import Store

LARGEST_DROP = 10.0


@dataclass(frozen=True)
class Tradeoff:
    """The least drop from which on a candidate is recommended.

    Attributes:
        max_drop: In points or, without classes, in percent of the signal; a tenth is the step.
        candidate: The one that is recommended from there on.
    """

    max_drop: float
    candidate: Candidate


def _losses(candidates: Sequence[Candidate]) -> Iterator[float]:
    for each in candidates:
        if each.result is not None:
            lost = loss(each.result)
            yield noise_share(each.result) if lost is None else lost.value


def tradeoffs(store: Store, run_id: str, limits: Limits) -> tuple[Tradeoff, ...]:
    """Return what is recommended as the limit on the drop grows, each clearly faster than the one before.

    The other limits stay. A faster candidate whose interval overlaps the last one's would be a tie and buys
    nothing.

    Raises:
        NotFound: There is no such run.
    """
    candidates = store.candidates.list(run_id)
    steps = {max(0.0, math.ceil(round(10 * lost, 6)) / 10) for lost in _losses(candidates)}
    found: list[Tradeoff] = []
    for drop in sorted(step for step in steps if step <= LARGEST_DROP):
        chosen = recommend(candidates, replace(limits, max_drop=drop)).candidate_id
        best = next((each for each in candidates if each.id == chosen), None)
        if best is not None and (not found or _faster(best, found[-1].candidate)):
            found.append(Tradeoff(drop, best))
    return tuple(found)


def _faster(one: Candidate, other: Candidate) -> bool:
    if one.result is None or other.result is None:
        return False
    return one.result.timing.speedup.low > other.result.timing.speedup.high
