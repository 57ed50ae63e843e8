"""Time budget: shares a run's time out over candidates, so that it holds and ends with an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from core.bench.timing.interleaving import MeasurementPlan
from core.datasets.random_inputs import SAMPLES
from core.domain.model import SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Candidate, Result
from core.search.estimate import HEAT_S, Forecast
from core.search.schedule import LEAST_TRAINING_S, training_s
from core.search.space import Chain
from core.work.stop import Stop

FINISH_S = 1.0
"""Seconds to end processes and to write what was found."""
LEAST_BASELINE_S = 20.0
"""Without the baseline there is no answer, however small the budget."""
BASELINE_ROUNDS, BASELINE_OUTPUTS = 0.12, 0.08
"""Shares of the budget for timing the baseline and for its outputs on the evaluation set."""
OUTPUTS = 0.05
"""Share of the budget for the outputs of one candidate."""
DECENT_S, DECENT_ROUNDS, FEWEST_ROUNDS = 1.5, 8, 4
HEAT_SHARE, HEAT_ROUNDS, HEAT_MOST, LOAD_S = 0.15, 6, 4, 0.8
FEWEST_SAMPLES = 16
FIRST_OVERHEAD_S = 4.0
LEAST_CANDIDATE_S = 3.0
"""The first candidate is tried with less than is expected of it: without any there is no answer."""
FIRST_ONES, HOPE = 2, 0.7
"""So many are tried where this share of the time expected of them is there: some need no more."""
AFTERWARDS = 2
"""Candidates that a strategy may make of a trained network, such as in another precision."""
HOG_SHARE, HOG_TIMES = 0.5, 3.0
"""One candidate may take half of what is left, or three times what was expected of it, never more."""


MACS_PER_S, VALUES_PER_S = 2e10, 1e7
"""What one core computes, and draws at random, roughly."""


def random_samples(model: SourceModel, budget_s: float | None) -> dict[str, int]:
    """Return how many random inputs to draw where a budget leaves no time for all of them.

    Args:
        model: Its multiply-accumulates are what a call costs, its inputs what is to be drawn.
        budget_s: The time of the run.

    Returns:
        ``samples`` for `core.datasets.random_inputs.RandomParams`; empty for as many as usual.
    """
    if budget_s is None:
        return {}
    values = sum(prod(shape) for shape in model.shapes().values()) / (model.fixed_batch or 1)
    costs = (model.macs or 0) / MACS_PER_S + values / VALUES_PER_S
    fits = max(FEWEST_SAMPLES, int(BASELINE_OUTPUTS * budget_s / max(costs, 1e-9)))
    return {"samples": fits} if fits < SAMPLES else {}


@dataclass(frozen=True)
class Share:
    """What one candidate gets.

    Attributes:
        plan: How exactly to measure it.
        deadline: Value of `time.monotonic` at which it is stopped.
        limit: What is over then, for people.
        training_s: Seconds for its training, if it has one; None for as much as a step may take.
    """

    plan: MeasurementPlan
    deadline: float
    limit: str = "the time"
    training_s: float | None = None


@dataclass(frozen=True)
class Heat:
    """What the final heat gets.

    Attributes:
        most: Candidates that take part, the baseline aside.
        plan: Wanted rounds and starts.
        seconds: For everything; None for as much as the plan wants.
    """

    most: int
    plan: MeasurementPlan
    seconds: float | None


class Pacing:
    """Shares the time of one run out; without a budget everything gets what the preset says.

    Args:
        stop: Knows the end of the run.
        forecast: Of builds and measurements.
        plan: Of the preset.
        candidates: All of the run.
    """

    def __init__(
        self, stop: Stop, forecast: Forecast, plan: MeasurementPlan, candidates: Sequence[Candidate]
    ) -> None:
        self._stop, self._plan = stop, plan
        self.forecast = forecast
        self._budget_s = stop.remaining_s
        self._limited = self._budget_s != float("inf")
        self._overheads: list[float] = []
        self._round_s, self._call_s = 0.1, 0.0
        self._rows: int | None = None
        self._done = 0
        self._kinds = len({each.machine for each in candidates}) or 1
        self._like = [each.recipe for each in candidates if each.position > 0]
        for each in candidates:
            if each.result is not None:
                self._note(each.result)
                self._done += each.position > 0

    def baseline(self, waiting: Sequence[Recipe], further: int = 0) -> Share:
        """Return what the baseline gets, rough where the time is short for all that comes after it."""
        if not self._limited:
            return Share(self._plan, float("inf"))
        plan = self._plan.within(BASELINE_ROUNDS * self._budget_s / self._kinds)
        if self._total_s(waiting, further) + self._kinds * HEAT_S > self._budget_s:
            plan = replace(plan, starts=1, close_starts=1, throughput_batches=())
        plan = replace(plan, predict_seconds=BASELINE_OUTPUTS * self._budget_s / self._kinds)
        left, spent = self._stop.remaining_s, self._budget_s - self._stop.remaining_s
        return Share(plan, time.monotonic() + max(left - FINISH_S, LEAST_BASELINE_S - spent))

    def candidate(self, waiting: Sequence[Recipe], further: int = 0) -> Share | None:
        """Return what the first of those that are `waiting` gets; None where it would not come to an end.

        Args:
            waiting: All that are known and not begun.
            further: How many may be added to them.
        """
        if not self._limited:
            return Share(self._plan, float("inf"))
        whole, first = self._stop.remaining_s - FINISH_S, waiting[0]
        # Each kind of machine holds a heat of its own candidates.
        heats = self._kinds * self._heat_s(self._done // self._kinds + 1)
        left = whole - (heats if self._done else 0.0)
        wanted = self.forecast.training_s([first])
        start = self.forecast.building_s(first) - wanted + self._overhead_s
        fewest = FEWEST_ROUNDS * self._round_s
        hope = HOPE if self._done < FIRST_ONES else 1.0
        training = self._training_s(waiting, further, left) if wanted else 0.0
        if left - training < (hope * (start + fewest) if self._done else LEAST_CANDIDATE_S):
            return None
        if training < min(wanted, LEAST_TRAINING_S):
            return None
        rounds, roomy = self._rounds_s(waiting, further, left)
        least = fewest if self._done else min(fewest, left - HOPE * start)
        plan = self._plan.within(max(least, min(rounds, left - start)))
        if not roomy:
            plan = replace(plan, starts=1, close_starts=1, throughput_batches=())
        plan = replace(plan, predict_seconds=OUTPUTS * self._budget_s, predict_rows=self._rows)
        # Of the first ones, what is nearly done is worth more than the final heat.
        end = whole if self._done < FIRST_ONES else left
        usual = max(HOG_TIMES * (start + rounds), HOG_SHARE * (left - training))
        most = min(end, training + usual)
        limit = "the time" if most == end else "its share of the time"
        return Share(plan, time.monotonic() + most, limit, training if wanted else None)

    def heat(self, heats: int = 1) -> Heat | None:
        """Return what the first of so many final heats gets; None where too little time is left for it."""
        if not self._limited:
            return Heat(HEAT_MOST, self._plan, None)
        left = (self._stop.remaining_s - FINISH_S) / heats
        most, needed = self._heat_of(-(-self._done // self._kinds), max(left, 0.0))
        if not most:
            return None
        # Another start loads everything once more.
        plan = self._plan if left > 2 * needed else replace(self._plan, heat_starts=1)
        return Heat(most, plan, left)

    def learn(self, candidate: Candidate, result: Result, took_s: float, round_s: float) -> None:
        """Take note of what measuring `candidate` took in all, and each of its rounds, by the clock."""
        self.forecast.measured(candidate.recipe, took_s)
        self._note(result)
        # On a busy machine a call takes longer by the clock than by itself.
        slower = max(1.0, round_s / self._round_s)
        self._round_s, self._call_s = self._round_s * slower, self._call_s * slower
        self._done += candidate.position > 0
        self._overheads.append(max(0.5, took_s - slower * _busy_s(result)))

    def remaining_s(self, waiting: Sequence[Recipe], further: int = 0) -> float:
        """Return the seconds that the run will probably still take, the first of `waiting` not begun."""
        return min(self._total_s(waiting, further) + self._kinds * HEAT_S, self._stop.remaining_s)

    def _total_s(self, waiting: Sequence[Recipe], further: int) -> float:
        return self.forecast.total_s(waiting) + self.forecast.further_s(further, self._like)

    def _training_s(self, waiting: Sequence[Recipe], further: int, left: float) -> float:
        """Return the seconds for the next training: its share of what all else leaves of the time."""
        others = self.forecast.total_s(waiting) - self.forecast.training_s(waiting)
        spare = max(0.0, left - others - self._overhead_s)
        count = self.forecast.trainings(waiting)
        if further:
            after = self.forecast.measuring_s(waiting[0]) + self._overhead_s
            spare = max(0.0, spare - AFTERWARDS * after)
            continues = Chain.of(waiting[0]).continues
            if count == 1 or continues:
                return training_s(spare, continues)
        return spare / max(1, min(count, int(spare / LEAST_TRAINING_S)))

    @property
    def _overhead_s(self) -> float:
        """Seconds to load, to warm up and to compare, beside the timed rounds."""
        return _mean(self._overheads[-3:]) or FIRST_OVERHEAD_S

    def _rounds_s(self, waiting: Sequence[Recipe], further: int, left: float) -> tuple[float, bool]:
        """Return the seconds of rounds for the first of `waiting`, and whether there is time for all."""
        full = self._plan.limit_s(self._round_s)
        decent = min(full, max(DECENT_S, DECENT_ROUNDS * self._round_s))
        count = len(waiting) + further
        measured = sum(self.forecast.measuring_s(each) for each in waiting)
        measured += further * _mean([self.forecast.measuring_s(each) for each in self._like])
        building = self._total_s(waiting, further) - self.forecast.training_s(waiting) - measured
        spare = left - building - self._overhead_s * count
        share = (spare / count - decent) / max(full - decent, 1e-9)
        return decent + min(1.0, max(0.0, share)) * (full - decent), share >= 1

    def _heat_s(self, done: int) -> float:
        """Return the seconds to keep for a final heat of up to `done` candidates."""
        return self._heat_of(done, HEAT_SHARE * self._budget_s / self._kinds)[1]

    def _heat_of(self, done: int, seconds: float) -> tuple[int, float]:
        """Return how many of `done` candidates a final heat of up to `seconds` holds, and what it takes.

        Both are 0 where a call takes too long for any.
        """
        for count in range(min(done, HEAT_MOST), 0, -1):
            rounds = HEAT_ROUNDS * max(0.05, self._call_s) * (2 + count) / 2
            needed = (2 + count) * (LOAD_S + 2 * self._call_s) + rounds
            if needed <= seconds:
                return count, needed
        return 0, 0.0

    def _note(self, result: Result) -> None:
        timing = result.timing
        self._call_s = timing.baseline.p50 / 1000
        self._round_s = max(0.07, (timing.baseline.p50 + timing.as_timed_ms) / 1000)
        if self._rows is None:
            self._rows = result.fidelity.samples + (result.search.fidelity.samples if result.search else 0)


def _mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / max(1, len(values))


def _busy_s(result: Result) -> float:
    """Return the seconds of calls that were timed, and of those for the outputs."""
    timing = result.timing
    timed = timing.latency.runs * timing.as_timed_ms + timing.baseline.runs * timing.baseline.p50
    return timed / 1000 + (result.evaluation.seconds if result.evaluation else 0.0)
