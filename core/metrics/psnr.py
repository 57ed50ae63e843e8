"""PSNR: the peak signal by the noise of an image, in decibel; the mean over images."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.metrics.pictures import is_picture, mean, value_range
from core.metrics.regression import errors
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired

LARGEST_DB = 100.0


class PeakSignalToNoise(Metric):
    """Of restored images; an image without any error counts as 100 dB."""

    id = "psnr"
    name = "PSNR"
    unit = "dB"
    default_drop = 0.5
    order = 70
    tasks = frozenset({"image-to-image"})

    def fits(self, about: LabelledOutput) -> bool:
        """Images to predict."""
        return is_picture(about)

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        span = max(value_range(block.labels) for block in given.blocks())

        def kept(outputs: Array, labels: Array) -> Floats:
            noise = (errors(outputs, labels) ** 2).mean(axis=1, keepdims=True)
            least = span**2 * 10 ** (-LARGEST_DB / 10)
            return np.asarray(10 * np.log10(span**2 / np.maximum(noise, least)))

        ours, theirs = keep(given, 1, kept)
        return resampled(ours, theirs, mean, given, self)


METRIC = PeakSignalToNoise()
