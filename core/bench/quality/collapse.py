"""Degenerate outputs on which agreement means nothing: one class for all inputs, no margin, no variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.bench.quality.accumulation import Tally

ONE_CLASS = 0.9
"""Where so many inputs get one class, a model that always says it would agree as much."""
MOST_CLASSES = 10
HALF = 0.5
STILL = 1e-6
"""Power of the change from input to input by the power of the output: a thousandth of its size."""
FP16_LEAST = float(np.finfo(np.float16).tiny)
WAY_OUT = "Give inputs of real use as data; they need no labels."


@dataclass(frozen=True)
class Collapse:
    """Diagnosis of a degenerate output, on which figures say little.

    Attributes:
        sentence: For people, with what to give instead.
        answers: Whether it is the answers that cannot be compared, so that only the noise is left.
    """

    sentence: str
    answers: bool


def collapse(name: str, found: Tally, labelled: bool) -> Collapse | None:
    """Return why the figures of the output `name` say little, or None where they mean something.

    Classes are too few where their perplexity, the number of equally frequent ones, is below half of what ten
    or all classes have. Labels make a class that is frequent in truth one that may be.

    Args:
        name: Of the output.
        found: Its sums.
        labelled: Whether accuracy against labels is there, which tells more than agreement.
    """
    why = "" if labelled else _answers(found)
    if why:
        return Collapse(f"Agreement means nothing on these inputs: {why}. {WAY_OUT}", True)
    why = _signal(found)
    return (
        Collapse(f"The output {name} says little on these inputs: {why}. {WAY_OUT}", False) if why else None
    )


def _answers(found: Tally) -> str:
    total = found.layout.shape[0] * found.layout.places
    if found.layout.whole and total and found.common >= ONE_CLASS * total:
        return f"{found.common / total:.0%} of the answers are {found.first:g}"
    if not found.layout.classes or not total:
        return ""
    shares = found.seen[found.seen > 0] / total
    if shares.max() >= ONE_CLASS:
        return f"the model gives one class for {shares.max():.0%} of them"
    if np.exp(-(shares * np.log(shares)).sum()) < min(found.seen.size, MOST_CLASSES) * HALF:
        return f"the model gives {shares.size} of {found.seen.size:,} classes for them, most often few"
    if found.slim >= HALF * total:
        return "the first class leads the second by less than rounding takes away"
    return ""


def _signal(found: Tally) -> str:
    spread, power = float(found.spread.sum()), float(found.power.sum())
    if found.layout.whole or found.layout.shape[0] < 2 or not power or not spread:
        return ""
    if found.peak < FP16_LEAST:
        return f"no value is larger than {found.peak:.1g}"
    if spread < STILL * power:
        return "it hardly changes from input to input"
    return ""
