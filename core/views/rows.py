"""One row per candidate, judged against the limits and the other candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.pareto import front
from core.domain.quality import Scale
from core.domain.run import Candidate, Limits, Objective, Result, of_one_machine
from core.insights.judgement import judge, loss
from core.insights.objectives import WORDS, gain, lead
from core.insights.recommendation import Recommendation, baseline_of, better
from core.insights.sentences import why_unstable
from core.search.names import is_named, pass_name, runtime_name

CONVERTED = "Conversion only"


@dataclass(frozen=True)
class Row:
    """A candidate as tables and charts show it.

    Attributes:
        candidate: With its recipe and everything measured.
        runtime: Where it runs.
        why: Why it is recommended or not, in a sentence.
        latency_ms: Median of one call with its interval.
        speedup: Against the baseline.
        accuracy: In the unit of `scale`; None without labels.
        drop: In that unit (points of a share); None without labels, and for the baseline, which has no
            difference from itself.
        agreement: Answers that are the baseline's, or detections that both have, in percent; None where there
            are neither, and for the baseline.
        sqnr_db: None where the outputs are identical or nothing was measured.
        size_bytes: Of the artifact.
        memory_bytes: Peak above the empty runtime.
        on_front: No other candidate is both faster and at least as true, or truer and at least as fast.
        sure: The whole interval of the loss respects the limit.
    """

    candidate: Candidate
    runtime: str
    why: str
    latency_ms: Interval | None = None
    speedup: Interval | None = None
    accuracy: float | None = None
    drop: Interval | None = None
    agreement: Interval | None = None
    sqnr_db: float | None = None
    size_bytes: int | None = None
    memory_bytes: int | None = None
    on_front: bool = False
    sure: bool = False

    @property
    def scale(self) -> Scale:
        """How the accuracy is read; that of top-1 accuracy before anything is measured."""
        result = self.candidate.result
        return result.accuracy.scale if result is not None and result.accuracy is not None else Scale()

    @property
    def change(self) -> Interval | None:
        """By how much the accuracy differs from the baseline's; None as `drop` is."""
        result = self.candidate.result
        if self.drop is None or result is None or result.accuracy is None:
            return None
        return result.accuracy.change

    @property
    def searched(self) -> bool:
        """Whether the search rows were kept apart from the test."""
        return self.candidate.result is not None and self.candidate.result.search is not None

    @property
    def id(self) -> str:
        """Id of the candidate."""
        return self.candidate.id

    @property
    def name(self) -> str:
        """Name of the candidate."""
        return self.candidate.name

    @property
    def technique(self) -> str:
        """What is done to the network, parameters aside, or that it is only converted."""
        steps = [step for step in self.candidate.recipe.steps if is_named(step)]
        return " + ".join(dict.fromkeys(pass_name(step.pass_id) for step in steps)) or CONVERTED

    @property
    def status(self) -> str:
        """Status of the candidate."""
        return self.candidate.status.value


def agreement_name(rows: Iterable[Row]) -> str:
    """Return what the agreement of `rows` counts, at the head of a line or column."""
    found = (row.candidate.result.fidelity for row in rows if row.candidate.result is not None)
    names = {fidelity.agreement_name for fidelity in found if fidelity.top1_agreement is not None}
    return names.pop() if len(names) == 1 else "Top-1 agreement"


def quality_loss(result: Result) -> float:
    """Return what a candidate loses, smaller is better: points, or negative decibels for other models."""
    lost = loss(result)
    if lost is not None:
        return lost.value
    return float("-inf") if result.fidelity.sqnr_db is None else -result.fidelity.sqnr_db


def front_point(result: Result) -> tuple[float, float]:
    """Return where a candidate lies: latency in milliseconds and loss, smaller is better on both."""
    return result.timing.latency.p50, quality_loss(result)


def front_ids(candidates: Sequence[Candidate]) -> set[str]:
    """Return the ids of the candidates on the front of latency against loss."""
    return front({each.id: front_point(each.result) for each in candidates if each.result is not None})


def ties(row: Row, everyone: Sequence[Row]) -> tuple[str, ...]:
    """Return the names of the candidates that the measurement cannot tell from `row` in speed."""
    if row.speedup is None or row.candidate.position == 0:
        return ()
    others = (each for each in everyone if each.id != row.id and each.candidate.position > 0)
    measured = [each for each in others if each.speedup is not None]
    return tuple(each.name for each in measured if lead(each.candidate, row.candidate).holds(1))


@dataclass(frozen=True)
class _Run:
    """What the rows of a run are judged by."""

    limits: Limits
    objective: Objective
    advice: Recommendation
    baseline: Result | None
    chosen: Candidate | None


def _why(candidate: Candidate, run: _Run) -> str:
    if candidate.position == 0 and candidate.error is None:
        return "The baseline: your model as it runs today. Everything is measured against it."
    if candidate.result is None:
        return candidate.error.message if candidate.error else "Not measured yet."
    if candidate.id == run.advice.candidate_id:
        return run.advice.sentence
    verdict = judge(candidate.result, run.limits)
    if not verdict.meets:
        return f"Not recommended: {' and '.join(verdict.violations)}."
    words, chosen = WORDS[run.objective], run.chosen
    much = gain(candidate.result, run.baseline, run.objective)
    reason = why_unstable(candidate.result.timing) if words.timed else ""
    if not better(much):
        if reason and much.value > 1:
            return f"Not recommended: it may be {words.better} than your model, but {reason}."
        word = "measurably " if much.high > 1 else ""
        return f"Not recommended: it is not {word}{words.better} than your model."
    if chosen is None or chosen.result is None:
        return "Within the limits."
    ahead = lead(chosen, candidate, run.baseline, run.objective)
    if reason and ahead.value < 1:
        return f"May be {words.better} than the recommended {chosen.name}, but {reason}."
    if ahead.low <= 1:
        return f"{words.like} the recommended {chosen.name} within the measurement's uncertainty."
    return f"Within the limits, but {ahead.value:.2f}x {words.worse} than {chosen.name}."


def rows(
    everyone: Sequence[Candidate],
    limits: Limits,
    advice: Recommendation,
    objective: Objective = Objective.LATENCY,
) -> tuple[Row, ...]:
    """Return the rows of all candidates of a run on one kind of machine, in their order."""
    of_one_machine(everyone)
    chosen = next((each for each in everyone if each.id == advice.candidate_id), None)
    on_front = front_ids(everyone)
    run = _Run(limits, objective, advice, baseline_of(everyone), chosen)
    return tuple(_row(each, run, each.id in on_front) for each in everyone)


def _row(candidate: Candidate, run: _Run, on_front: bool) -> Row:
    why = _why(candidate, run)
    runtime, result = runtime_name(candidate.recipe), candidate.result
    if result is None:
        return Row(candidate, runtime, why)
    latency = result.timing.latency
    return Row(
        candidate,
        runtime,
        why,
        latency_ms=Interval(latency.p50, latency.ci_low, latency.ci_high),
        speedup=result.timing.speedup,
        accuracy=result.accuracy.value if result.accuracy else None,
        drop=result.accuracy.drop if result.accuracy and candidate.position else None,
        agreement=result.fidelity.top1_agreement if candidate.position else None,
        sqnr_db=result.fidelity.sqnr_db,
        size_bytes=result.size_bytes,
        memory_bytes=result.timing.memory_bytes,
        on_front=on_front,
        sure=judge(result, run.limits).sure,
    )
