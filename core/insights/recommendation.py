"""Recommendation: the best candidate within the limits that is measurably better than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.run import Candidate, CandidateStatus, Limits, Objective, Result, of_one_machine
from core.insights.judgement import judge
from core.insights.objectives import WORDS, gain, lead
from core.insights.sentences import (
    Judged,
    confidence,
    describe,
    in_short,
    nearest_miss,
    not_taken,
    nothing_better,
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
        near_miss: Id of the better candidate nearest to qualifying, where nothing qualifies.
        short: One sentence without numbers of the candidate, to stand below them: how far it can be trusted.
            Empty where nothing qualifies.
        notes: What else is to know: what may be better and was not taken, and a control that misses 1.
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


def better(gain: Interval) -> bool:
    """Whether a gain is one beyond doubt: its whole interval says so."""
    return gain.low > LEAST_GAIN


def recommend(
    candidates: Sequence[Candidate], limits: Limits, objective: Objective = Objective.LATENCY
) -> Recommendation:
    """Return the best candidate that respects `limits`; sure beats likely at equal gain.

    Candidates whose difference is within its doubt are equally good; where only random inputs were seen, the
    truest of them is taken. A candidate whose interval does not lie
    above that of the baseline as a whole is never recommended.

    Args:
        candidates: Of one run and one kind of machine, in any state.
        limits: What must be respected.
        objective: What to have the most of; of those that are equal in it the fastest is taken.
    """
    rows = _measured(candidates, limits, objective)
    if not rows:
        return Recommendation(None, False, _nothing_measured(candidates))
    first = baseline_of(candidates)
    control, gains = first.timing.speedup if first else None, [row for row in rows if better(row.gain)]
    qualified = [row for row in gains if row.verdict.meets]
    if qualified:
        best = _best(qualified, first, objective)
        said = describe(best, len(rows), objective) + confidence(best.result, limits, best.verdict)
        notes, short = not_taken(rows, best, control, objective), in_short(best, limits, len(rows))
        sentence = said + rough(best, objective)
        return Recommendation(best.candidate.id, best.verdict.sure, sentence, short=short, notes=notes)
    named = min(gains, key=_regret) if gains else max(rows, key=_much)
    notes = not_taken(rows, None, control, objective, named)
    if gains:
        miss = nearest_miss(named, objective)
        return Recommendation(None, False, miss, named.candidate.id, notes=notes)
    return Recommendation(None, False, nothing_better(named, objective), notes=notes)


def contenders(
    candidates: Sequence[Candidate], limits: Limits, most: int, objective: Objective = Objective.LATENCY
) -> list[Candidate]:
    """Return up to `most` candidates that a last comparison should hold against each other.

    The recommended one comes first, then the best of those that are sure, which may take its place; then
    those within the limits that may be better, by what they may reach; then those beyond the limits, which
    another person may want. What is surely no better than the baseline is left out.
    """
    rows = _measured(candidates, limits, objective)
    rows = [row for row in rows if row.gain.high > LEAST_GAIN]
    surest = max((row for row in rows if row.verdict.sure), key=_much, default=None)
    first = [recommend(candidates, limits, objective).candidate_id, surest and surest.candidate.id]
    places = {identity: place for place, identity in reversed(list(enumerate(first)))}
    rows.sort(
        key=lambda row: (places.get(row.candidate.id, len(first)), not row.verdict.meets, -row.gain.high)
    )
    return [row.candidate for row in rows[:most]]


def _measured(candidates: Sequence[Candidate], limits: Limits, objective: Objective) -> list[Judged]:
    known = of_one_machine(candidates)
    done = [each for each in known if each.status is CandidateStatus.DONE and each.position > 0]
    first = baseline_of(candidates)
    return [
        Judged(each, result, judge(result, limits), gain(result, first, objective))
        for each in done
        if (result := each.result) is not None
    ]


def baseline_of(candidates: Sequence[Candidate]) -> Result | None:
    """Return what was measured of the baseline among `candidates`; None before it is."""
    return next((each.result for each in candidates if each.position == 0), None)


def _much(row: Judged) -> float:
    return row.gain.value


def _best(qualified: list[Judged], baseline: Result | None, objective: Objective) -> Judged:
    def over(one: Judged, other: Judged) -> Interval:
        return lead(one.candidate, other.candidate, baseline, objective)

    trusted = _trustworthy(qualified, objective) if WORDS[objective].timed else qualified
    first = max(trusted, key=_much)
    ties = [row for row in trusted if row is first or over(first, row).low <= 1]
    by_speed = objective in (Objective.SIZE, Objective.MEMORY)
    return max(
        ties,
        key=lambda row: (
            row.verdict.sure,
            -_risk(row.result),
            row.result.timing.speedup.value if by_speed else row.gain.value,
        ),
    )


def _risk(result: Result) -> float:
    """Return the loss on random inputs, which may be many times as large on real ones; 0 on these."""
    unseen = result.fidelity.random and result.accuracy is None
    return result.fidelity.worst.loss.value if unseen else 0.0


def _trustworthy(qualified: list[Judged], objective: Objective) -> list[Judged]:
    """Leave out unstable candidates, unless they are better than the best stable one beyond doubt."""
    stable = [row for row in qualified if not row.result.timing.unstable]
    best = max(stable, key=_much, default=None)
    return [row for row in qualified if best is None or row in stable or _above(row, best, objective)]


def _above(row: Judged, other: Judged, objective: Objective) -> bool:
    """Whether the rounds that had both say that `row` is better or, without any, its whole interval does."""
    rivals = row.result.timing.rivals if objective is Objective.LATENCY else {}
    direct = rivals.get(other.candidate.id)
    return row.gain.low > other.gain.high if direct is None else direct.low > 1


def _regret(row: Judged) -> tuple[bool, float]:
    """Return what orders the misses: those that may be within the limits first, the best of them.

    Of those that surely are not, the one that breaks them least for what it gains.
    """
    if row.verdict.undecided:
        return False, -row.gain.value
    return True, row.verdict.excess / math.log(row.gain.value)


def _nothing_measured(candidates: Sequence[Candidate]) -> str:
    tried = [each for each in candidates if each.position > 0]
    if not tried or not all(each.status.final for each in tried):
        return "No candidate has been measured yet."
    hints = [each.error.hint for each in tried if each.error is not None]
    if not hints:
        return "No candidate could be measured."
    return f"No candidate could be measured. What would help most: {max(hints, key=hints.count)}"
