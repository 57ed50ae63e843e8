"""A trial: a candidate as a search strategy sees it."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.recipe import Recipe
from core.domain.run import CandidateStatus


@dataclass(frozen=True)
class Trial:
    """A candidate as a search strategy sees it.

    Attributes:
        recipe: What was proposed.
        status: Where it stands; figures are there once it is done.
        speedup: Against the baseline.
        gain: By which factor it is better than the baseline in what the request's objective names.
        seconds: What building and measuring it took.
        trained_s: ... and training, of these: nothing where the trained network was there before.
        latency_ms: Median of one call.
        loss: Points of accuracy lost; without labels the disagreement in points, without classes the error's
            power in percent. Smaller is better.
        loss_sd: Standard deviation of `loss`, by the number of rows it was measured on.
        changed: Points of answers that are others than the model's, where `loss` counts right ones.
        within: Whether it respects the limits of the request.
        size_bytes: Of the artifact.
    """

    recipe: Recipe
    status: CandidateStatus = CandidateStatus.WAITING
    speedup: Interval | None = None
    latency_ms: float | None = None
    loss: float | None = None
    within: bool = False
    size_bytes: int | None = None
    gain: Interval | None = None
    seconds: float = 0.0
    trained_s: float = 0.0
    loss_sd: float = 0.0
    changed: float | None = None
