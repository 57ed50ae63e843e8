"""Sentences that explain a recommendation with figures and confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.measurement import Doubt, Interval, Timing
from core.domain.quality import Fidelity, Scale
from core.domain.run import Candidate, Limits, Objective, Result
from core.insights.amounts import change_words, limit_words, plural
from core.insights.judgement import Verdict, loss, more_samples, noise, same
from core.insights.objectives import WORDS

LONG_CALL_MS = 60.0
"""Calls of this length are few in the time for measuring, however much of it there is."""


@dataclass(frozen=True)
class Judged:
    """A measured candidate under the limits and the objective of its run.

    Attributes:
        gain: By which factor it is better than the baseline in what the objective names.
    """

    candidate: Candidate
    result: Result
    verdict: Verdict
    gain: Interval


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
    stayed = f"its speed-up stayed uncertain by ±{width:.0%}"
    return f"{stayed}; {_crowd(timing) if timing.crowded else 'something else may have used the machine'}"


def crowded(timing: Timing) -> str:
    """Return the sentences that say a machine was busy and what follows; empty where it was not."""
    if not timing.crowded:
        return ""
    return f"The machine was busy: {_crowd(timing)}. On a quiet one the speed-up may be another."


def _crowd(timing: Timing) -> str:
    return f"other programs had the measured cores for {timing.taken:.0%} of the time"


def missed_control(control: Interval | None) -> str:
    """Return what a control that misses 1 means for every speed-up of its run; empty where it holds."""
    if control is None or control.low <= 1 <= control.high:
        return ""
    return (
        f"The control, your model against itself, came out at {times(control)} faster instead of 1: "
        f"differences of about {abs(control.value - 1):.0%} in this run mean nothing, and every speed-up is "
        "stated with that much more doubt."
    )


def describe(chosen: Judged, count: int, objective: Objective) -> str:
    """Return the sentence that recommends `chosen` among `count` measured configurations."""
    result, better = chosen.result, WORDS[objective].better
    sentence = (
        f"In {plural(count, 'measured configuration')}, {chosen.candidate.name} is "
        f"{_gained(chosen, objective)} {better} than your model"
    )
    if objective is not Objective.LATENCY:
        sentence += f", runs at {times(result.timing.speedup)} its speed"
    lost = loss(result)
    if result.accuracy is not None:
        return f"{sentence} {change_words(result.accuracy)}"
    if lost is not None:
        of = "inputs" if result.fidelity.detections is None else "detections"
        return f"{sentence} and agrees with it on {100 - lost.value:.1f} % of the {of} (no labels were given)"
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


def rough(chosen: Judged, objective: Objective) -> str:
    """Return what casts doubt on the choice itself, as sentences that follow; empty where nothing does."""
    result, verdict = chosen.result, chosen.verdict
    why, said = why_unstable(result.timing) if WORDS[objective].timed else "", []
    if why:
        said.append(f"Take this as rough: {why}.")
    elif result.timing.crowded:
        said.append(crowded(result.timing))
    if result.undefined:
        said.append(result.undefined)
    if result.accuracy is None:
        said.append(result.fidelity.collapsed or ("" if verdict.sure else _random(result.fidelity)))
    return "".join(f" {each}" for each in said if each)


def in_short(chosen: Judged, limits: Limits, count: int) -> str:
    """Return the one short sentence below the figures of the recommended candidate: what to trust it for."""
    result, verdict = chosen.result, chosen.verdict
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
    rows: Sequence[Judged],
    chosen: Judged | None,
    control: Interval | None,
    objective: Objective,
    named: Judged | None = None,
) -> tuple[str, ...]:
    """Return what may be faster and was not taken, and why; and what a control that misses 1 means.

    Args:
        rows: All that is measured.
        chosen: The recommended one.
        control: Speed-up of the baseline against itself.
        objective: Of the run.
        named: Of whom the sentence before it speaks already.
    """
    said = []
    words, best = WORDS[objective], chosen.gain if chosen else Interval(1.0, 1.0, 1.0)
    spoken_of = {row.candidate.id for row in (chosen, named) if row}
    for row in rows:
        reason = why_unstable(row.result.timing) if words.timed else ""
        other = row.candidate.id not in spoken_of
        more = row.gain.high > best.high and row.gain.value > best.value
        if other and reason and row.verdict.meets and more:
            said.append(f"{row.candidate.name} may be {words.better} ({_range(row.gain)}), but {reason}.")
    missed = missed_control(control)
    return (*said, missed) if missed else tuple(said)


def _random(fidelity: Fidelity) -> str:
    drawn = "Only random inputs were compared; give inputs of real use as data, they need no labels."
    return drawn if fidelity.random else ""


def nearest_miss(row: Judged, objective: Objective) -> str:
    """Return the sentence for a candidate that is better and breaks a limit, where nothing qualifies."""
    better = WORDS[objective].better
    tail = ", though its interval reaches within the limit" if row.verdict.undecided else ""
    over, much = " and ".join(row.verdict.violations), _gained(row, objective)
    what = f"at {much} the speed" if objective is Objective.LATENCY else f"and {much} {better}"
    return (
        f"Nothing measured is {better} and within the limits. "
        f"The nearest miss is {row.candidate.name}: {over}{tail}, {what}."
    )


def nothing_better(row: Judged, objective: Objective) -> str:
    """Return the sentence for a run in which nothing is measurably better, `row` being the best."""
    much, words = row.gain, WORDS[objective]
    word = f"measurably {words.better}" if much.high > 1 else words.better
    figures = f"{much.value:.2f}x ({much.low:.2f}–{much.high:.2f})"
    runs = f"runs at {figures} its speed" if objective is Objective.LATENCY else f"stands at {figures}"
    why = why_unstable(row.result.timing) if much.high > 1 and words.timed else ""
    tail = f"; it may be {words.better}, but {why}" if why else ""
    return f"Nothing measured is {word} than your model: the best, {row.candidate.name}, {runs}{tail}."


def _gained(row: Judged, objective: Objective) -> str:
    """Return a gain with its interval; of file sizes, which are known, without."""
    return f"{row.gain.value:.2g}x" if objective is Objective.SIZE else times(row.gain)


def _range(speed: Interval) -> str:
    digits = 1 if speed.value >= 2 else 2
    return f"{speed.low:.{digits}f}–{speed.high:.{digits}f}x"
