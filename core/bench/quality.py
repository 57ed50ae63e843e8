"""Accuracy against labels and fidelity to the baseline, out of saved predictions."""

from __future__ import annotations

from collections.abc import Iterator
from math import log10
from pathlib import Path

import numpy as np

from core.bench.predictions import alike
from core.bench.statistics import mcnemar, paired_difference, wilson
from core.domain.measurement import Accuracy, Fidelity, Interval
from core.errors import RuntimeFailed
from core.protocols import Array

CHUNK = 256


def read_outputs(folder: Path) -> list[Array]:
    """Return the outputs saved in `folder`, one array (samples, ...) per output, mapped, not loaded.

    Raises:
        RuntimeFailed: Nothing was saved there.
    """
    files = sorted(folder.glob("[0-9]*.npy"), key=lambda path: int(path.stem))
    if not files:
        raise RuntimeFailed("There are no predictions.", hint="Look at the technical detail of this row.")
    return [np.load(path, mmap_mode="r", allow_pickle=False) for path in files]


def compare(
    candidate: list[Array],
    baseline: list[Array],
    labels: Array | None,
    classes: int | None,
    changing: bool = False,
) -> tuple[Accuracy | None, Fidelity]:
    """Compare two sets of predictions on the same samples.

    Args:
        candidate: One array (samples, ...) per output.
        baseline: The same of the baseline.
        labels: Class indices (samples,), or None.
        classes: Size of the class axis of the first output that has one, or None where none has.
        changing: Sizes change from call to call: the smaller of two outputs is filled up with zeros.

    Returns:
        Accuracy, None without labels or classes, and fidelity.

    Raises:
        RuntimeFailed: Different outputs, or outputs that are not finite where the baseline's are.
    """
    if changing:
        candidate, baseline = _filled(candidate, baseline)
    _check_same(candidate, baseline)
    samples = min(len(candidate[0]), len(baseline[0]))
    sqnr, worst = _noise(candidate, baseline, samples)
    agreement = accuracy = None
    axes = [_class_axis(output, classes) for output in candidate]
    index, axis = next(((index, axis) for index, axis in enumerate(axes) if axis is not None), (0, None))
    if axis is not None and samples:
        ours, theirs = (_top1(outputs[index], samples, axis) for outputs in (candidate, baseline))
        same = ours == theirs
        agreement = _percent(wilson(int(same.sum()), same.size))
        if labels is not None and ours.shape == labels[:samples].shape:
            accuracy = _accuracy(ours == labels[:samples], theirs == labels[:samples])
    return accuracy, Fidelity(agreement, sqnr, worst, samples)


def _accuracy(ours: Array, theirs: Array) -> Accuracy:
    lost, won = int((theirs & ~ours).sum()), int((ours & ~theirs).sum())
    return Accuracy(
        metric="top1",
        value=100 * float(ours.mean()),
        drop=_percent(paired_difference(lost, won, ours.size)),
        samples=ours.size,
        flips=lost + won,
        mcnemar_p=mcnemar(lost, won),
    )


def _percent(interval: Interval) -> Interval:
    return Interval(100 * interval.value, 100 * interval.low, 100 * interval.high)


def _filled(candidate: list[Array], baseline: list[Array]) -> tuple[list[Array], list[Array]]:
    pairs = [alike(pair) for pair in zip(candidate, baseline, strict=True)]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def _check_same(candidate: list[Array], baseline: list[Array]) -> None:
    ours, theirs = ([output.shape[1:] for output in each] for each in (candidate, baseline))
    if ours != theirs:
        raise RuntimeFailed(
            f"The outputs have the shapes {ours} where the original's have {theirs}.",
            hint="Try another technique or runtime.",
        )


def _class_axis(output: Array, classes: int | None) -> int | None:
    """Return the class axis: the last of (samples, tokens, classes), else the second as in segmentation."""
    if classes is None or output.ndim < 2:
        return None
    return next((axis for axis in (output.ndim - 1, 1) if output.shape[axis] == classes), None)


def _top1(output: Array, samples: int, axis: int) -> Array:
    top = np.concatenate([rows.astype(np.float64).argmax(axis=axis) for rows in _chunks(output, samples)])
    # A classifier may end in maps of 1x1.
    return top.reshape(samples) if top.size == samples else top


def _chunks(output: Array, samples: int) -> Iterator[Array]:
    return (output[start : min(start + CHUNK, samples)] for start in range(0, samples, CHUNK))


def _noise(candidate: list[Array], baseline: list[Array], samples: int) -> tuple[float | None, float]:
    """Return the SQNR in decibel (None for no noise) and the largest error, over all outputs."""
    signal = noise = worst = 0.0
    for ours, theirs in zip(candidate, baseline, strict=True):
        for one, other in zip(_chunks(ours, samples), _chunks(theirs, samples), strict=True):
            new, old = one.astype(np.float64), other.astype(np.float64)
            # A mask of minus infinities, as language models return it, is no error where both have it.
            counted = ~(np.isinf(old) & (new == old))
            new, old = new[counted], old[counted]
            if not np.isfinite(old).all():
                raise RuntimeFailed(
                    "The outputs of the model itself are not finite on these inputs.",
                    hint="Give data of your own: random inputs may not fit the model.",
                )
            if not np.isfinite(new).all():
                raise RuntimeFailed(
                    "The outputs are not finite.", hint="The technique overflowed; try a higher precision."
                )
            error = np.abs(new - old)
            signal, noise = signal + float((old**2).sum()), noise + float((error**2).sum())
            worst = max(worst, float(error.max(initial=0.0)))
    if noise == 0.0:
        return None, worst
    return 10 * log10(max(signal, np.finfo(np.float64).tiny) / noise), worst
