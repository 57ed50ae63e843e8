"""Which candidate to take, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.run import Candidate, CandidateStatus, Limits, Result
from core.insights.judgement import Verdict, judge, loss, more_samples

SAME_LATENCY = 1.03


@dataclass(frozen=True)
class Recommendation:
    """The choice, in a sentence.

    Attributes:
        candidate_id: None where nothing qualifies.
        sure: The whole interval of the drop respects the limit.
        sentence: With numbers, for people.
        near_miss: Id of the candidate nearest to qualifying, where nothing qualifies.
    """

    candidate_id: str | None
    sure: bool
    sentence: str
    near_miss: str | None = None


Row = tuple[Candidate, Result, Verdict]


def _measured(candidates: Sequence[Candidate]) -> list[tuple[Candidate, Result]]:
    done = [each for each in candidates if each.status is CandidateStatus.DONE and each.position > 0]
    return [(each, each.result) for each in done if each.result is not None]


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−") if round(value, 1) else "0.0"


def _points(drop: Interval) -> str:
    return f"{_signed(-drop.value)} points ({_signed(-drop.high)}…{_signed(-drop.low)})"


def _plural(count: float, noun: str) -> str:
    return f"{count:g} {noun}" if count == 1 else f"{count:g} {noun}s"


def describe(candidate: Candidate, result: Result, count: int) -> str:
    """Return the sentence that recommends `candidate` among `count` measured configurations."""
    speed = result.timing.speedup
    shaky = "; unstable, measure again when the machine is quiet" if result.timing.unstable else ""
    sentence = (
        f"In {_plural(count, 'measured configuration')}, {candidate.name} is {speed.value:.1f}x "
        f"({speed.low:.1f}–{speed.high:.1f}{shaky}) faster than your model"
    )
    lost = loss(result)
    if result.accuracy is not None and lost is not None:
        return f"{sentence} at {_points(lost)} of accuracy"
    if lost is not None:
        return (
            f"{sentence} and agrees with it on {100 - lost.value:.1f} % of the inputs (no labels were given)"
        )
    if result.fidelity.sqnr_db is not None:
        return f"{sentence} at {result.fidelity.sqnr_db:.0f} dB signal to noise (no labels were given)"
    return f"{sentence} with the same outputs"


def _confidence(result: Result, limits: Limits, sure: bool) -> str:
    if limits.max_drop is None or loss(result) is None:
        return "."
    if sure:
        return f"; its whole interval respects the limit of {_plural(limits.max_drop, 'point')}."
    more = more_samples(result, limits)
    advice = f"; about {more:,} more labelled samples would settle it" if more else ""
    return (
        f"; likely, since only its point respects the limit of {_plural(limits.max_drop, 'point')}{advice}."
    )


def _trustworthy(qualified: list[Row]) -> list[Row]:
    """Leave out unstable points that are not plainly faster than the stable ones.

    A disturbance that hits the baseline's long calls more than the candidate's short ones makes a ratio too
    good: the calls themselves must be shorter, too, and the whole interval better.
    """
    stable = [result.timing for _, result, _ in qualified if not result.timing.unstable]
    shortest = min((timing.as_timed_ms for timing in stable), default=math.inf) / SAME_LATENCY
    fastest = max((timing.speedup.value for timing in stable), default=0.0)
    return [
        row
        for row in qualified
        if not row[1].timing.unstable
        or (row[1].timing.as_timed_ms < shortest and row[1].timing.speedup.low > fastest)
    ]


def _best(rows: list[Row]) -> Row:
    qualified = _trustworthy(rows)
    fastest = max(qualified, key=lambda row: row[1].timing.speedup.value)
    ties = [row for row in qualified if row[1].timing.speedup.overlaps(fastest[1].timing.speedup)]
    return max(ties, key=lambda row: (row[2].sure, row[1].timing.speedup.value))


def recommend(candidates: Sequence[Candidate], limits: Limits) -> Recommendation:
    """Return the fastest candidate that respects `limits`; sure beats likely at equal speed.

    Candidates whose speed-up intervals overlap are equally fast. A candidate that is not faster than
    the baseline is never recommended.

    Args:
        candidates: Of one run, in any state.
        limits: What must be respected.
    """
    rows = [(each, result, judge(result, limits)) for each, result in _measured(candidates)]
    if not rows:
        return Recommendation(None, False, _nothing_measured(candidates))
    qualified = [row for row in rows if row[2].meets and row[1].timing.speedup.value > 1]
    if qualified:
        candidate, result, verdict = _best(qualified)
        sentence = describe(candidate, result, len(rows)) + _confidence(result, limits, verdict.sure)
        return Recommendation(candidate.id, verdict.sure, sentence)
    return _nearest_miss(rows)


def _nothing_measured(candidates: Sequence[Candidate]) -> str:
    tried = [each for each in candidates if each.position > 0]
    if not tried or not all(each.status.final for each in tried):
        return "No candidate has been measured yet."
    hints = [each.error.hint for each in tried if each.error is not None]
    if not hints:
        return "No candidate could be measured."
    return f"No candidate could be measured. What would help most: {max(hints, key=hints.count)}"


def _nearest_miss(rows: list[Row]) -> Recommendation:
    missing = [row for row in rows if not row[2].meets]
    if missing:
        candidate, result, verdict = min(
            missing, key=lambda row: (row[2].excess, -row[1].timing.speedup.value)
        )
        reason = " and ".join(verdict.violations)
        speed = result.timing.speedup.value
        sentence = (
            "Nothing measured is faster and within the limits. "
            f"The nearest miss is {candidate.name}: {reason}, at {speed:.1f}x the speed."
        )
        return Recommendation(None, False, sentence, candidate.id)
    candidate, result, _ = max(rows, key=lambda row: row[1].timing.speedup.value)
    speed = result.timing.speedup.value
    best = f"the best, {candidate.name}, runs at {speed:.2f}x its speed"
    return Recommendation(None, False, f"Nothing measured is faster than your model: {best}.", candidate.id)
