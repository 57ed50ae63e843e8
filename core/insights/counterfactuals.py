"""Counterfactuals: what would be recommended under other limits, out of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.domain.measurement import Interval
from core.domain.run import Candidate, Limits, Objective, Result
from core.insights.amounts import signed
from core.insights.judgement import loss
from core.insights.objectives import WORDS, gain, memory, throughput
from core.insights.recommendation import baseline_of, recommend
from core.insights.tradeoffs import LARGEST_DROP, Tradeoff

SMALLER = 0.95
"""Share of the size from which on a file is a step down."""


@dataclass(frozen=True)
class Counterfactual:
    """One other outcome.

    Attributes:
        sentence: What would change and what that costs, with 95 % intervals.
        candidate: Which candidate it would be.
        limits: Under which it would be recommended; None where no limit leads to it.
    """

    sentence: str
    candidate: Candidate
    limits: Limits | None = None


def counterfactuals(
    candidates: Sequence[Candidate],
    limits: Limits,
    steps: Sequence[Tradeoff],
    objective: Objective = Objective.LATENCY,
) -> tuple[Counterfactual, ...]:
    """Return what a little more or less of each limit would change; nothing where nothing is recommended.

    Args:
        candidates: Of one run and one kind of machine.
        limits: As they are.
        steps: What a larger drop buys, see `core.insights.tradeoffs.steps`.
        objective: What the run wants the most of.
    """
    chosen = recommend(candidates, limits, objective).candidate_id
    now = next((each for each in candidates if each.id == chosen), None)
    if now is None or now.result is None:
        return ()
    first = baseline_of(candidates)
    held = gain(now.result, first, objective)
    found = [
        *_more_loss(limits, steps, held, objective),
        *_less_loss(now, limits, steps, held, objective),
        *_without_a_limit(candidates, limits, held, objective),
        *_smaller(candidates, now.result),
    ]
    return tuple({each.candidate.id: each for each in reversed(found)}.values())[::-1]


def ratio(one: Interval, other: Interval) -> Interval:
    """Return `one` by `other`; the ends are those that both intervals allow together."""
    return Interval(one.value / other.value, one.low / other.high, one.high / other.low)


def _times(found: Interval) -> str:
    return f"{found.value:.2f}x ({found.low:.2f}–{found.high:.2f})"


def _unit(result: Result) -> str:
    if result.accuracy is not None:
        return result.accuracy.scale.step
    return "points" if loss(result) is not None else "% error"


def _more_loss(
    limits: Limits, steps: Sequence[Tradeoff], held: Interval, objective: Objective
) -> Iterator[Counterfactual]:
    """Yield the next step of the price list that is clearly better."""
    if limits.max_drop is None:
        return
    later = (each for each in steps if each.max_drop > limits.max_drop and each.gain.low > held.high)
    step = next(later, None)
    if step is not None and step.candidate.result is not None:
        more = f"{step.max_drop - limits.max_drop:.2g} {_unit(step.candidate.result)}".strip()
        better = f"{_times(ratio(step.gain, held))} {WORDS[objective].better}"
        sentence = f"{more} more of loss would make it {better}: {step.candidate.name}."
        yield Counterfactual(sentence, step.candidate, replace(limits, max_drop=step.max_drop))


def _less_loss(
    now: Candidate, limits: Limits, steps: Sequence[Tradeoff], held: Interval, objective: Objective
) -> Iterator[Counterfactual]:
    """Yield the step before what is recommended: what a stricter limit would cost."""
    earlier = [each for each in steps if each.candidate.id != now.id and each.gain.high < held.low]
    if earlier and earlier[-1].candidate.result is not None:
        step = earlier[-1]
        most = f"{step.max_drop:.2g} {_unit(earlier[-1].candidate.result)}".strip()
        worse = f"{_times(ratio(held, step.gain))} {WORDS[objective].worse}"
        sentence = f"With a loss of {most} at most it would be {worse}: {step.candidate.name}."
        yield Counterfactual(sentence, step.candidate, replace(limits, max_drop=step.max_drop))


def _without_a_limit(
    candidates: Sequence[Candidate], limits: Limits, held: Interval, objective: Objective
) -> Iterator[Counterfactual]:
    """Yield for each limit on time, size, memory and rate what it keeps from being recommended."""
    for name in ("max_latency_ms", "max_size_bytes", "max_memory_bytes", "min_throughput"):
        limit = getattr(limits, name)
        freed = _with(limits, name, None)
        id = recommend(candidates, freed, objective).candidate_id if limit is not None else None
        other = next((each for each in candidates if each.id == id), None)
        if other is None or other.result is None:
            continue
        better = gain(other.result, baseline_of(candidates), objective)
        if better.low > held.high:
            more, reached = _excess(name, limit, other.result)
            said = f"{_times(ratio(better, held))} {WORDS[objective].better}"
            sentence = f"{more} would make it {said}: {other.name}."
            yield Counterfactual(sentence, other, _with(limits, name, reached))


def _with(limits: Limits, name: str, limit: Any) -> Limits:
    return replace(limits, **{name: limit})


def _excess(name: str, limit: float, result: Result) -> tuple[str, float]:
    """Return by how much a limit would have to give way, in words, and the limit that then holds."""
    timing = result.timing
    if name == "max_latency_ms":
        return f"{timing.latency.p50 - limit:.3g} ms more", timing.latency.ci_high
    if name == "max_size_bytes":
        return f"{(result.size_bytes - limit) / 1e6:.3g} MB more", result.size_bytes
    if name == "max_memory_bytes":
        used = memory(timing)
        return f"{(used.value - limit) / 1e6:.3g} MB more of memory", round(used.high)
    rate = throughput(timing)
    return f"{limit - rate.value:.3g} samples/s less", rate.low


def _smaller(candidates: Sequence[Candidate], mine: Result) -> Iterator[Counterfactual]:
    """Yield the next step down in size, with what it costs in loss and speed."""
    most = SMALLER * mine.size_bytes
    known = [
        (each.result.size_bytes, -_lost(each.result).value, each.result.timing.speedup.value, each)
        for each in candidates
        if each.position > 0 and each.result is not None and each.result.size_bytes < most
        if _lost(each.result).value <= LARGEST_DROP or not _in_shares(each.result)
    ]
    if not known:
        return
    largest = max(size for size, *_ in known)
    *_, other = max((each for each in known if each[0] >= SMALLER * largest), key=lambda each: each[1:3])
    if other.result is None:
        return
    ours, theirs = _lost(mine), _lost(other.result)
    less = f"{(mine.size_bytes - other.result.size_bytes) / mine.size_bytes:.0%}"
    cost = Interval(theirs.value - ours.value, theirs.low - ours.high, theirs.high - ours.low)
    unit = _unit(other.result)
    value, low, high = (_signed(each, unit) for each in (cost.value, cost.low, cost.high))
    speed = _times(ratio(other.result.timing.speedup, mine.timing.speedup))
    loses = f"changes the loss by {value} ({low}…{high}) {unit}".rstrip()
    sentence = (
        f"The next step down in size, {less} smaller, {loses} and runs at {speed} its speed: {other.name}."
    )
    yield Counterfactual(sentence, other)


def _in_shares(result: Result) -> bool:
    return result.accuracy is None or result.accuracy.scale.unit == "%"


def _signed(value: float, unit: str) -> str:
    return signed(value) if unit == "points" else f"{value:+.2g}".replace("-", "−")


def _lost(result: Result) -> Interval:
    return loss(result) or result.fidelity.worst.loss
