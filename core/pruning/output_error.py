"""Output error of a changed network against the original on the same rows, summed up batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain.model import CLASS_TASKS, SourceModel
from core.protocols import Array

TINY = 1e-12


class OutputError:
    """Kullback-Leibler divergence of a classifier's scores, else the mean squared error by the mean square.

    Of several outputs the worst counts. The divergence is that of knowledge distillation at temperature 1
    (Hinton et al. 2015, arXiv 1503.02531).

    Args:
        model: Its task tells whether the outputs are scores of classes.
    """

    def __init__(self, model: SourceModel) -> None:
        self._scores, self._classes = model.task in CLASS_TASKS, model.classes
        self._sums: list[tuple[float, float]] = []

    def add(self, expected: Sequence[Array], found: Sequence[Array]) -> None:
        """Count the outputs of one batch."""
        pairs = [
            self._parts(np.asarray(one), np.asarray(other))
            for one, other in zip(expected, found, strict=True)
            if np.asarray(one).dtype.kind == "f"
        ]
        before = self._sums or [(0.0, 0.0)] * len(pairs)
        self._sums = [(a + c, b + d) for (a, b), (c, d) in zip(before, pairs, strict=True)]

    @property
    def value(self) -> float:
        """The error; infinite where an output is not finite any more."""
        found = [above / max(below, TINY) for above, below in self._sums]
        return max((each if np.isfinite(each) else np.inf for each in found), default=0.0)

    def _parts(self, expected: Array, found: Array) -> tuple[float, float]:
        one, other = expected.astype(np.float64), found.astype(np.float64)
        axis = self._axis(one.shape) if self._scores else None
        if axis is None:
            return float(np.square(one - other).sum()), float(np.square(one).sum())
        p, q = _log_shares(one, axis), _log_shares(other, axis)
        return float((np.exp(p) * (p - q)).sum()), one.size / one.shape[axis]

    def _axis(self, shape: tuple[int, ...]) -> int | None:
        """Return the axis of the classes: where their number is known it tells, else the usual place."""
        usual = [1] if len(shape) in (2, 4) else [len(shape) - 1] if len(shape) == 3 else []
        axes = [at for at in range(1, len(shape)) if shape[at] == self._classes] or usual
        return axes[0] if axes and shape[axes[0]] > 1 else None


def _log_shares(scores: Array, axis: int) -> Array:
    """Return logarithms of probabilities, out of probabilities or logits."""
    total = scores.sum(axis, keepdims=True)
    if scores.min(initial=0.0) >= 0 and np.allclose(total, 1, atol=1e-3):
        return np.asarray(np.log(np.maximum(scores, TINY)))
    shifted = scores - scores.max(axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)))
