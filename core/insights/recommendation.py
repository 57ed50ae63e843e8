"""Recommendation: the fastest candidate within the limits that is measurably faster than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.run import Candidate, CandidateStatus, Limits, Result
from core.insights.judgement import judge
from core.insights.sentences import (
    Row,
    confidence,
    describe,
    in_short,
    nearest_miss,
    not_taken,
    nothing_faster,
    rough,
)

LEAST_GAIN = 1.005
"""What shows as 1.01x: less than that is no reason to change a model."""


@dataclass(frozen=True)
class Recommendation:
    """The choice, and why.

    Attributes:
        candidate_id: None where nothing qualifies.
        sure: The whole interval of every figure respects its limit.
        sentence: With numbers and with what casts doubt on the choice itself, for people: one or
            two sentences.
        near_miss: Id of the faster candidate nearest to qualifying, where nothing qualifies.
        short: One sentence without numbers of the candidate, to stand below them: how far it can be trusted.
            Empty where nothing qualifies.
        notes: What else is to know: what may be faster and was not taken, and a control that misses 1.
    """

    candidate_id: str | None
    sure: bool
    sentence: str
    near_miss: str | None = None
    short: str = ""
    notes: tuple[str, ...] = ()

    @property
    def explanation(self) -> str:
        """The sentence and all notes."""
        return " ".join((self.sentence, *self.notes))


def faster(result: Result) -> bool:
    """Whether a candidate is measurably faster than the baseline: its whole interval says so."""
    return result.timing.speedup.low > LEAST_GAIN


def recommend(candidates: Sequence[Candidate], limits: Limits) -> Recommendation:
    """Return the fastest candidate that respects `limits`; sure beats likely at equal speed.

    Candidates whose speed-up intervals overlap are equally fast; where only random inputs were seen, the
    truest of them is taken. A candidate whose interval does not lie
    above that of the baseline as a whole is never recommended.

    Args:
        candidates: Of one run, in any state.
        limits: What must be respected.
    """
    rows = [(each, result, judge(result, limits)) for each, result in _measured(candidates)]
    if not rows:
        return Recommendation(None, False, _nothing_measured(candidates))
    control, gains = _control(candidates), [row for row in rows if faster(row[1])]
    qualified = [row for row in gains if row[2].meets]
    if qualified:
        best = _best(qualified)
        candidate, result, verdict = best
        sentence = describe(candidate, result, len(rows)) + confidence(result, limits, verdict) + rough(best)
        notes, short = not_taken(rows, best, control), in_short(best, limits, len(rows))
        return Recommendation(candidate.id, verdict.sure, sentence, short=short, notes=notes)
    named = min(gains, key=_regret) if gains else max(rows, key=_speed)
    notes = not_taken(rows, None, control, named)
    if gains:
        return Recommendation(None, False, nearest_miss(named), named[0].id, notes=notes)
    return Recommendation(None, False, nothing_faster(named), notes=notes)


def contenders(candidates: Sequence[Candidate], limits: Limits, most: int) -> list[Candidate]:
    """Return up to `most` candidates that a last comparison should hold against each other.

    The recommended one comes first, then those within the limits that may be faster than it, by what they may
    reach; then those beyond the limits, which another person may want. What is surely no faster than the
    baseline is left out.
    """
    rows = [(each, result, judge(result, limits)) for each, result in _measured(candidates)]
    chosen = recommend(candidates, limits).candidate_id
    rows = [row for row in rows if row[1].timing.speedup.high > LEAST_GAIN]
    rows.sort(key=lambda row: (row[0].id != chosen, not row[2].meets, -row[1].timing.speedup.high))
    return [row[0] for row in rows[:most]]


def _measured(candidates: Sequence[Candidate]) -> list[tuple[Candidate, Result]]:
    done = [each for each in candidates if each.status is CandidateStatus.DONE and each.position > 0]
    return [(each, each.result) for each in done if each.result is not None]


def _control(candidates: Sequence[Candidate]) -> Interval | None:
    """Return the speed-up of the baseline against itself."""
    measured = (each.result for each in candidates if each.position == 0 and each.result is not None)
    return next((result.timing.speedup for result in measured), None)


def _speed(row: Row) -> float:
    return row[1].timing.speedup.value


def _best(qualified: list[Row]) -> Row:
    trusted = _trustworthy(qualified)
    fastest = max(trusted, key=_speed)
    ties = [row for row in trusted if row[1].timing.speedup.overlaps(fastest[1].timing.speedup)]
    return max(ties, key=lambda row: (row[2].sure, -_risk(row[1]), _speed(row)))


def _risk(result: Result) -> float:
    """Return the loss on random inputs, which may be many times as large on real ones; 0 on these."""
    unseen = result.fidelity.random and result.accuracy is None
    return result.fidelity.worst.loss.value if unseen else 0.0


def _trustworthy(qualified: list[Row]) -> list[Row]:
    """Leave out unstable candidates, unless their whole interval lies above that of the best stable one."""
    stable = [row[1].timing.speedup for row in qualified if not row[1].timing.unstable]
    best = max(stable, key=lambda speed: speed.value).high if stable else 0.0
    return [row for row in qualified if not row[1].timing.unstable or row[1].timing.speedup.low > best]


def _regret(row: Row) -> tuple[bool, float]:
    """Return what orders the misses: those that may be within the limits first, the fastest of them.

    Of those that surely are not, the one that breaks them least for what it gains.
    """
    _, result, verdict = row
    if verdict.undecided:
        return False, -_speed(row)
    return True, verdict.excess / math.log(result.timing.speedup.value)


def _nothing_measured(candidates: Sequence[Candidate]) -> str:
    tried = [each for each in candidates if each.position > 0]
    if not tried or not all(each.status.final for each in tried):
        return "No candidate has been measured yet."
    hints = [each.error.hint for each in tried if each.error is not None]
    if not hints:
        return "No candidate could be measured."
    return f"No candidate could be measured. What would help most: {max(hints, key=hints.count)}"
