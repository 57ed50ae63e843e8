"""Streaming error statistics of one output against the baseline's (SQNR, maximum error, agreement)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from core.bench.quality.saved_outputs import Output, Part, piece
from core.errors import RuntimeFailed
from core.protocols import Array

TILE = 1 << 19
"""Elements that are looked at together: some megabytes in double precision."""
ROWS = 16
"""Samples of a tile at least, where a sample is larger than the tile's share."""
CHANNELS = 256
MOST_SUMS = 1 << 22
SLIM = 1e-3
"""Lead of the first class over the second, by the largest value: about what BF16 rounds away."""
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Layout of an output: (samples, before, kept, after).

    Attributes:
        shape: Those four sizes.
        classes: `kept` is the axis of classes; otherwise it holds channels, or nothing.
        whole: Whole numbers that name something: equal or not.
    """

    shape: tuple[int, int, int, int]
    classes: bool
    whole: bool

    @property
    def places(self) -> int:
        """Answers of one sample."""
        return self.shape[1] * self.shape[3] * (1 if self.classes else self.shape[2])


def layout(output: Output, samples: int, classes: int | None) -> Layout:
    """Return how to look at `output`: along its classes, else along its channels where it has few.

    The class axis is the last of (samples, tokens, classes), else the second as in segmentation. Channels are
    the shortest axis, since only they differ in what they mean: the coordinates and scores of a list of
    boxes, the maps of a picture.
    """
    sizes, kind = output.shape[1:], output.dtype
    whole = kind.kind == "b" or (kind.kind in "iu" and kind.itemsize >= 4)
    axis = None
    if classes is not None and classes > 1 and not whole:
        axis = next((axis for axis in (len(sizes) - 1, 0) if sizes and sizes[axis] == classes), None)
    found = axis is not None
    if axis is None and not whole and sizes and 1 < min(sizes) <= min(CHANNELS, MOST_SUMS // max(samples, 1)):
        axis = sizes.index(min(sizes))
    if axis is None:
        return Layout((samples, 1, 1, prod(sizes)), False, whole)
    return Layout((samples, prod(sizes[:axis]), sizes[axis], prod(sizes[axis + 1 :])), found, whole)


@dataclass
class Tally:
    """Running sums over all samples.

    Attributes:
        layout: How the output was seen.
        noise: Squared error (samples, channels).
        spread: Squared distance from the mean over all samples (samples, channels).
        power: Squared value (samples, channels).
        product: Of the candidate's values with the baseline's, summed over everything.
        largest: Largest error.
        peak: Largest value of the baseline.
        same: Equal answers of each sample (samples,).
        seen: How often each class is the baseline's answer (classes,).
        slim: Answers of the baseline by a hair's breadth.
        common: Whole numbers equal to `first`.
        first: The baseline's first number.
    """

    layout: Layout
    noise: Floats
    spread: Floats
    power: Floats
    same: Counts
    seen: Counts
    product: float = 0.0
    largest: float = 0.0
    peak: float = 0.0
    slim: int = 0
    common: int = 0
    first: float = 0.0


def tally(ours: Output, theirs: Output, seen_as: Layout) -> Tally:
    """Return the sums of one output.

    Args:
        ours: Of the candidate (samples, ...).
        theirs: Of the baseline; more samples than `seen_as` has are left out in both.
        seen_as: See `layout`.

    Raises:
        RuntimeFailed: Values that are not finite where the baseline's are, or in the baseline itself.
    """
    _, before, kept, after = seen_as.shape
    found = _empty(seen_as)
    new, old = (each.reshape(each.shape[0], before, kept, after) for each in (ours, theirs))
    if prod(seen_as.shape):
        found.first = float(piece(old, (slice(1), slice(1), slice(None), slice(1))).reshape(-1)[0])
    for parts in blocks(seen_as.shape):
        middle = _mean(old, parts)
        for part in parts:
            _add(found, part, piece(new, part), piece(old, part), middle)
    return found


def _empty(seen_as: Layout) -> Tally:
    samples, _, kept, _ = seen_as.shape
    noise, spread, power = (np.zeros((samples, 1 if seen_as.classes else kept)) for _ in range(3))
    same = np.zeros(samples, np.int64)
    seen = np.zeros(kept if seen_as.classes else 0, np.int64)
    return Tally(seen_as, noise, spread, power, same, seen)


def blocks(shape: tuple[int, int, int, int]) -> Iterator[list[Part]]:
    """Yield parts of an output (samples, before, kept, after), a few megabytes each.

    Those of one list are the same places of all samples.
    """
    for block in _blocks(shape):
        yield list(_parts(block, shape))


def _blocks(shape: tuple[int, int, int, int]) -> Iterator[tuple[slice, slice]]:
    """Yield slices of the axes before and after the kept one, which stays whole."""
    samples, before, kept, after = shape
    room = max(1, TILE // min(max(samples, 1), ROWS) // max(kept, 1))
    wide = max(1, min(after, room))
    high = max(1, room // wide)
    for start, left in product(range(0, before, high), range(0, after, wide)):
        yield slice(start, start + high), slice(left, left + wide)


def _parts(block: tuple[slice, slice], shape: tuple[int, int, int, int]) -> Iterator[Part]:
    samples, before, kept, after = shape
    high, wide = (min(cut.stop, size) - cut.start for cut, size in zip(block, (before, after), strict=True))
    rows = max(ROWS, TILE // max(high * kept * wide, 1))
    for start in range(0, samples, rows):
        yield slice(start, min(start + rows, samples)), block[0], slice(None), block[1]


def _mean(old: Output, parts: list[Part]) -> Floats:
    """Return the mean over all samples of each element, masks of infinities left out."""
    total, count = np.zeros(()), 0
    for part in parts:
        values = piece(old, part)
        sums = values.sum(axis=0, dtype=np.float64)
        if not np.isfinite(sums.sum()):
            sums = np.where(np.isfinite(values), values, 0).sum(axis=0, dtype=np.float64)
        total, count = total + sums, count + len(values)
    return np.asarray(total / max(count, 1))


def _add(found: Tally, part: Part, new: Array, old: Array, middle: Floats) -> None:
    rows, seen_as = part[0], found.layout
    if seen_as.whole:
        found.same[rows] += (new == old).sum(axis=(1, 2, 3))
        found.common += int((old == found.first).sum())
    if seen_as.classes:
        _answers(found, part, new, old)
    reference, error = _finite(old, new)
    found.peak = max(found.peak, _largest(reference))
    _square(found.power[rows], reference)
    found.product += float(np.vdot(reference, error))
    error -= reference
    found.largest = max(found.largest, _largest(error))
    _square(found.noise[rows], error)
    reference -= middle
    _square(found.spread[rows], reference)


def _square(sums: Floats, values: Floats) -> None:
    """Add the squares of `values` to sums over everything but samples and channels."""
    found = np.einsum("sbka,sbka->sk", values, values)
    sums += found if sums.shape[1] == found.shape[1] else found.sum(axis=1, keepdims=True)


def _largest(values: Floats) -> float:
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))


def _finite(old: Array, new: Array) -> tuple[Floats, Floats]:
    """Return both in double precision; a mask of infinities, as language models return it, is 0 in both."""
    reference, clean = old.astype(np.float64), new.astype(np.float64)
    if np.isfinite(reference.sum()) and np.isfinite(clean.sum()):
        return reference, clean
    masked = np.isinf(reference) & (reference == clean)
    reference[masked] = clean[masked] = 0.0
    if not np.isfinite(reference).all():
        raise RuntimeFailed(
            "The outputs of the model itself are not finite on these inputs.",
            hint="Give data of your own: random inputs may not fit the model.",
        )
    if not np.isfinite(clean).all():
        raise RuntimeFailed(
            "The outputs are not finite.", hint="The technique overflowed; try a higher precision."
        )
    return reference, clean


def _answers(found: Tally, part: Part, new: Array, old: Array) -> None:
    rows, axes = part[0], (1, 2)
    ours, theirs = new.argmax(axis=2), old.argmax(axis=2)
    found.same[rows] += (ours == theirs).sum(axis=axes)
    found.seen += np.bincount(theirs.reshape(-1), minlength=found.seen.size)
    second, first = np.moveaxis(np.partition(old, -2, axis=2)[:, :, -2:], 2, 0).astype(np.float64)
    with np.errstate(invalid="ignore"):
        found.slim += int((first - second <= SLIM * np.abs(first)).sum())
