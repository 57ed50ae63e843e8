"""Time of turning one sample's outputs into an answer, in NumPy, as a service would after each call."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from core.domain.accuracy_detail import Answers
from core.protocols import Array

CALLS, SECONDS, FIRST = 50, 0.02, 5


def postprocessing(answers: Answers, output: Array | None) -> tuple[float, str] | None:
    """Return the milliseconds of one sample and what was done; None where the outputs are the answer.

    Args:
        answers: What the output answers.
        output: Of one sample (1, ...).
    """
    if output is None or not output.size:
        return None
    if answers is Answers.CLASSES:
        return _median_ms(lambda: _best(output)), f"softmax and the first {FIRST} classes, in NumPy"
    if answers is Answers.PLACES and output.ndim > 1:
        return _median_ms(lambda: output.argmax(axis=1)), "the class of each place (arg-max), in NumPy"
    return None


def _best(scores: Array) -> tuple[Array, Array]:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = powers / powers.sum(axis=-1, keepdims=True)
    first = np.argsort(-shares, axis=-1)[..., :FIRST]
    return first, np.take_along_axis(shares, first, axis=-1)


def _median_ms(call: Callable[[], object]) -> float:
    begin, times = perf_counter(), list[float]()
    while not times or (len(times) < CALLS and perf_counter() - begin < SECONDS):
        start = perf_counter()
        call()
        times.append(1000 * (perf_counter() - start))
    return median(times)
