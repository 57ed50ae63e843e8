"""Sentences that explain a recommendation with figures and confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.measurement import Doubt, Fidelity, Interval, Timing
from core.domain.run import Candidate, Limits, Result
from core.insights.judgement import Verdict, loss, more_samples, plural, same

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
    if result.accuracy is not None and lost is not None:
        return f"{sentence} at {_points(lost)} of accuracy"
    if lost is not None:
        return (
            f"{sentence} and agrees with it on {100 - lost.value:.1f} % of the inputs (no labels were given)"
        )
    fidelity = result.fidelity
    if fidelity.sqnr_db is not None:
        where = f" in {fidelity.worst.name}, the worst of its outputs" if len(fidelity.outputs) > 1 else ""
        return f"{sentence} at {fidelity.sqnr_db:.0f} dB signal to noise{where} (no labels were given)"
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
    return f"; its whole interval respects the limit of {plural(limits.max_drop, 'point')}."


def doubts(rows: Sequence[Row], chosen: Row | None, control: Interval | None) -> str:
    """Return what casts doubt on the choice: its own speed-up, faster ones that are unstable, the control."""
    said = []
    why = why_unstable(chosen[1].timing) if chosen else ""
    if why:
        said.append(f"Take this as rough: {why}.")
    if chosen and chosen[1].accuracy is None:
        said.append(chosen[1].fidelity.collapsed or ("" if chosen[2].sure else _random(chosen[1].fidelity)))
    best = chosen[1].timing.speedup if chosen else Interval(1.0, 1.0, 1.0)
    for candidate, result, verdict in rows:
        speed, reason = result.timing.speedup, why_unstable(result.timing)
        other = chosen is None or candidate.id != chosen[0].id
        if other and reason and verdict.meets and speed.high > best.high and speed.value > best.value:
            said.append(f"{candidate.name} may be faster ({_range(speed)}), but {reason}.")
    return "".join(f" {each}" for each in [*said, missed_control(control)] if each)


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
    return f"Nothing measured is {word} than your model: the best, {candidate.name}, runs at {figures}."


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−") if round(value, 1) else "0.0"


def _points(drop: Interval) -> str:
    return f"{_signed(-drop.value)} points ({_signed(-drop.high)}…{_signed(-drop.low)})"


def _range(speed: Interval) -> str:
    digits = 1 if speed.value >= 2 else 2
    return f"{speed.low:.{digits}f}–{speed.high:.{digits}f}x"
