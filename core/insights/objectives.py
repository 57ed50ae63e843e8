"""Objective of a run: by how much a candidate beats the baseline in it, and the words for that."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log

from core.bench.timing.statistics import REPETITION
from core.domain.measurement import Interval, Timing
from core.domain.run import Candidate, Objective, Result

MEMORY_DOUBT = 0.05
"""Half-width of a peak memory of which one start is known, as a share."""
EVEN = 0.005
"""Files whose sizes differ by less are equally small."""


@dataclass(frozen=True)
class Words:
    """How an objective is spoken of.

    Attributes:
        better: ``4.0x (3.9-4.1) BETTER than your model``.
        worse: The opposite.
        like: ``LIKE the recommended one``.
        timed: Whether it rests on times, which may be unstable.
    """

    better: str
    worse: str
    like: str
    timed: bool = True


WORDS = {
    Objective.LATENCY: Words("faster", "slower", "As fast as"),
    Objective.THROUGHPUT: Words("higher in throughput", "lower in throughput", "Of the same throughput as"),
    Objective.SIZE: Words("smaller", "larger", "As small as", timed=False),
    Objective.MEMORY: Words("lower in memory", "higher in memory", "Of the same memory as", timed=False),
}


def gain(result: Result, baseline: Result | None, objective: Objective) -> Interval:
    """Return by which factor `result` is better than the baseline, 1 where that cannot be told.

    Args:
        result: Of a candidate.
        baseline: Of its run, for size and memory.
        objective: In what.
    """
    if objective is Objective.LATENCY:
        return result.timing.speedup
    if objective is Objective.THROUGHPUT:
        return _throughput_gain(result.timing)
    if baseline is None:
        return Interval(1.0, 1.0, 1.0)
    if objective is Objective.SIZE:
        ratio = baseline.size_bytes / max(1, result.size_bytes)
        return Interval(ratio, ratio * (1 - EVEN), ratio * (1 + EVEN))
    ours, theirs = memory(result.timing), memory(baseline.timing)
    return Interval(theirs.value / ours.value, theirs.low / ours.high, theirs.high / ours.low)


def lead(
    one: Candidate, other: Candidate, baseline: Result | None = None, objective: Objective = Objective.LATENCY
) -> Interval:
    """Return by which factor `one` is better than `other`; they tie where the interval holds 1.

    Two that the final heat timed in the same rounds are told apart by these. Of others there is the quotient
    of what they gain over the baseline; what both leave in doubt of it is less than the gap at which their
    intervals no longer overlap, and those of timings are wider by `REPETITION` than the doubt about what they
    hold. Against the baseline the whole interval of the gain counts.

    Args:
        one: A measured candidate, or the baseline itself.
        other: Another of the same run and machine.
        baseline: Result of their baseline, for size and memory.
        objective: In what.

    Raises:
        ValueError: One of them is not measured.
    """
    ours, theirs = one.result, other.result
    if ours is None or theirs is None:
        raise ValueError("what was not measured leads and follows nobody")
    if objective is Objective.LATENCY and other.id in ours.timing.rivals:
        return ours.timing.rivals[other.id]
    itself = Interval(1.0, 1.0, 1.0)
    mine = gain(ours, baseline, objective) if one.position else itself
    yours = gain(theirs, baseline, objective) if other.position else itself
    value = mine.value / yours.value
    if not WORDS[objective].timed or 0 in (one.position, other.position):
        return Interval(value, mine.low / yours.high, mine.high / yours.low)
    down = hypot(log(mine.value / mine.low), log(yours.high / yours.value)) / REPETITION
    up = hypot(log(mine.high / mine.value), log(yours.value / yours.low)) / REPETITION
    return Interval(value, value * exp(-down), value * exp(up))


def throughput(timing: Timing) -> Interval:
    """Return the most samples per second over the batch sizes that were measured."""
    batch, value = max(timing.throughput.items(), key=lambda pair: pair[1], default=(0, 0.0))
    return timing.throughput_interval.get(batch, Interval(value, value, value))


def memory(timing: Timing) -> Interval:
    """Return the peak memory in bytes, with the range over its starts or, of one, what is usual."""
    value = float(max(1, timing.memory_bytes))
    low, high = timing.memory_range or (value * (1 - MEMORY_DOUBT), value * (1 + MEMORY_DOUBT))
    return Interval(value, max(1.0, low), max(1.0, high))


def _throughput_gain(timing: Timing) -> Interval:
    """Return the most samples per second by the most of the baseline, both over the measured batch sizes."""
    gains = {batch: timing.throughput_gain.get(batch, timing.speedup) for batch in timing.throughput}
    best = max(timing.throughput, key=lambda batch: timing.throughput[batch], default=None)
    if best is None:
        return timing.speedup
    theirs = max(rate / max(gains[batch].value, 1e-9) for batch, rate in timing.throughput.items())
    own = gains[best]
    value = timing.throughput[best] / max(theirs, 1e-9)
    return Interval(value, value * own.low / own.value, value * own.high / own.value)
