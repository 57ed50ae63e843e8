"""Sentences that explain a recommendation with figures and confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.measurement import Doubt, Interval, Timing
from core.domain.quality import Fidelity, Scale
from core.domain.run import Candidate, Limits, Result
from core.insights.amounts import change_words, limit_words, plural
from core.insights.judgement import Verdict, loss, more_samples, noise, same

LONG_CALL_MS = 60.0
"""Calls of this length are few in the time for measuring, however much of it there is."""
Row = tuple[Candidate, Result, Verdict]


def times(speed: Interval) -> str:
    """Return a speed-up with its interval, such as ``4.0x (3.9–4.1)``: near 1 the second digit counts."""
    digits = 1 if speed.value >= 2 else 2
    return f"{speed.value:.{digits}f}x ({speed.low:.{digits}f}–{speed.high:.{digits}f})"


def why_unstable(timing: Timing) -> str:
    """Return why a speed-up is unstable, as part of a sentence; empty where it is not."""
    if not timing.unstable:
        return ""
    if timing.doubt is Doubt.FEW_ROUNDS:
        long = max(timing.as_timed_ms, timing.baseline.p50) > LONG_CALL_MS
        what = "its calls are so long that there was time for" if long else "there was time for"
        return f"{what} {plural(timing.rounds, 'round')} only"
    width = (timing.speedup.high - timing.speedup.low) / max(timing.speedup.value, 1e-9) / 2
    return f"its speed-up stayed uncertain by ±{width:.0%}; something else may have used the processor"


def missed_control(control: Interval | None) -> str:
    """Return what a control that misses 1 means for every speed-up of its run; empty where it holds."""
    if control is None or control.low <= 1 <= control.high:
        return ""
    return (
        f"The control, your model against itself, came out at {times(control)} faster instead of 1: "
        f"differences of about {abs(control.value - 1):.0%} in this run mean nothing, and every speed-up is "
        "stated with that much more doubt."
    )


def describe(candidate: Candidate, result: Result, count: int) -> str:
    """Return the sentence that recommends `candidate` among `count` measured configurations."""
    speed = times(result.timing.speedup)
    sentence = (
        f"In {plural(count, 'measured configuration')}, {candidate.name} is {speed} faster than your model"
    )
    lost = loss(result)
    if result.accuracy is not None:
        return f"{sentence} {change_words(result.accuracy)}"
    if lost is not None:
        return (
            f"{sentence} and agrees with it on {100 - lost.value:.1f} % of the inputs (no labels were given)"
        )
    fidelity = result.fidelity
    if fidelity.sqnr_db is not None:
        where = f" in {fidelity.worst.name}, the worst of its outputs" if len(fidelity.outputs) > 1 else ""
        return f"{sentence} at an error of {noise(fidelity.worst)}{where} (no labels were given)"
    return f"{sentence} with the same outputs"


def confidence(result: Result, limits: Limits, verdict: Verdict) -> str:
    """Return how sure it is that the limits are respected, as the end of a sentence."""
    if verdict.unseen:
        return "; likely, since inputs of real use may lose more."
    if verdict.unsure:
        more = more_samples(result, limits)
        advice = f"; about {more:,} more labelled samples would settle it" if more else ""
        return f"; likely, since only its point respects {' and '.join(verdict.unsure)}{advice}."
    if limits.max_drop is None or loss(result) is None:
        return "."
    if same(result.fidelity):
        return "; its outputs are the same but for rounding."
    scale = result.accuracy.scale if result.accuracy is not None else Scale()
    return f"; its whole interval respects the limit of {limit_words(limits.max_drop, scale)}."


def rough(chosen: Row) -> str:
    """Return what casts doubt on the choice itself, as sentences that follow; empty where nothing does."""
    _, result, verdict = chosen
    why, said = why_unstable(result.timing), []
    if why:
        said.append(f"Take this as rough: {why}.")
    if result.undefined:
        said.append(result.undefined)
    if result.accuracy is None:
        said.append(result.fidelity.collapsed or ("" if verdict.sure else _random(result.fidelity)))
    return "".join(f" {each}" for each in said if each)


def in_short(chosen: Row, limits: Limits, count: int) -> str:
    """Return the one short sentence below the figures of the recommended candidate: what to trust it for."""
    _, result, verdict = chosen
    why = why_unstable(result.timing)
    speed = f"; its speed is rough: {why}" if why else ""
    return f"Best of {plural(count, 'measured configuration')}: {_trust(result, limits, verdict)}{speed}."


def _trust(result: Result, limits: Limits, verdict: Verdict) -> str:
    if same(result.fidelity) and result.accuracy is None:
        return "its outputs are your model's but for rounding"
    within = f"likely within {' and '.join(verdict.unsure)}" if verdict.unsure else "within the limits"
    if limits == Limits(None):
        within = "no limit was set"
    if result.accuracy is None and result.fidelity.collapsed:
        return f"{within}, but outputs on these inputs say little of others"
    if result.accuracy is None and result.fidelity.random:
        return f"{within}, but only random inputs were compared"
    if verdict.unsure:
        return f"{within}, but the 95 % interval reaches beyond"
    return within if limits == Limits(None) else "its whole 95 % interval is within the limits"


def not_taken(
    rows: Sequence[Row], chosen: Row | None, control: Interval | None, named: Row | None = None
) -> tuple[str, ...]:
    """Return what may be faster and was not taken, and why; and what a control that misses 1 means.

    Args:
        rows: All that is measured.
        chosen: The recommended one.
        control: Speed-up of the baseline against itself.
        named: Of whom the sentence before it speaks already.
    """
    said = []
    best = chosen[1].timing.speedup if chosen else Interval(1.0, 1.0, 1.0)
    spoken_of = {row[0].id for row in (chosen, named) if row}
    for candidate, result, verdict in rows:
        speed, reason = result.timing.speedup, why_unstable(result.timing)
        other = candidate.id not in spoken_of
        if other and reason and verdict.meets and speed.high > best.high and speed.value > best.value:
            said.append(f"{candidate.name} may be faster ({_range(speed)}), but {reason}.")
    missed = missed_control(control)
    return (*said, missed) if missed else tuple(said)


def _random(fidelity: Fidelity) -> str:
    drawn = "Only random inputs were compared; give inputs of real use as data, they need no labels."
    return drawn if fidelity.random else ""


def nearest_miss(row: Row) -> str:
    """Return the sentence for a candidate that is faster and breaks a limit, where nothing qualifies."""
    candidate, result, verdict = row
    tail = ", though its interval reaches within the limit" if verdict.undecided else ""
    over, speed = " and ".join(verdict.violations), times(result.timing.speedup)
    return (
        "Nothing measured is faster and within the limits. "
        f"The nearest miss is {candidate.name}: {over}{tail}, at {speed} the speed."
    )


def nothing_faster(row: Row) -> str:
    """Return the sentence for a run in which nothing is measurably faster, `row` being the fastest."""
    candidate, result, _ = row
    speed = result.timing.speedup
    word = "measurably faster" if speed.high > 1 else "faster"
    figures = f"{speed.value:.2f}x ({speed.low:.2f}–{speed.high:.2f}) its speed"
    why = why_unstable(result.timing) if speed.high > 1 else ""
    tail = f"; it may be faster, but {why}" if why else ""
    return f"Nothing measured is {word} than your model: the best, {candidate.name}, runs at {figures}{tail}."


def _range(speed: Interval) -> str:
    digits = 1 if speed.value >= 2 else 2
    return f"{speed.low:.{digits}f}–{speed.high:.{digits}f}x"
