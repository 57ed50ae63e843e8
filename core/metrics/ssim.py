"""SSIM: the structural similarity of images, from -1 to 1; the mean over images."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.metrics.pictures import channels, is_picture, mean, value_range
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired

SIGMA, REACH = 1.5, 5
K1, K2 = 0.01, 0.03


class StructuralSimilarity(Metric):
    """With the Gaussian window of 11 x 11 of its authors.

    Source: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment: from error visibility to structural
    similarity, IEEE Transactions on Image Processing 13 (2004) 600-612.
    """

    id = "ssim"
    name = "SSIM"
    unit = ""
    default_drop = 0.01
    order = 80

    def fits(self, about: LabelledOutput) -> bool:
        """Images to predict."""
        return is_picture(about)

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        span = max(value_range(block.labels) for block in given.blocks())

        def kept(outputs: Array, labels: Array) -> Floats:
            return similarity(channels(outputs), channels(labels), span)[:, None]

        ours, theirs = keep(given, 1, kept)
        return resampled(ours, theirs, mean, given, self)


def similarity(one: Floats, other: Floats, span: float) -> Floats:
    """Return the SSIM (samples,) of images (samples, channels, height, width), borders left out."""
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    first, second = _smooth(one), _smooth(other)
    own, theirs = _smooth(one**2) - first**2, _smooth(other**2) - second**2
    both = _smooth(one * other) - first * second
    found = (2 * first * second + c1) * (2 * both + c2) / ((first**2 + second**2 + c1) * (own + theirs + c2))
    return np.asarray(found.mean(axis=(1, 2, 3)))


def _smooth(values: Floats) -> Floats:
    window = np.exp(-(np.arange(-REACH, REACH + 1) ** 2) / (2 * SIGMA**2))
    window /= window.sum()
    for axis in (2, 3):
        size = values.shape[axis] - 2 * REACH
        parts = (np.take(values, range(at, at + size), axis) * w for at, w in enumerate(window))
        values = np.asarray(sum(parts))
    return values


METRIC = StructuralSimilarity()
