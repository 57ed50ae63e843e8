"""Pixel range detection: 0 to 255 is tried where outputs hardly change on standard normal inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.domain.model import TensorSpec
from core.examples import is_picture
from core.protocols import Array, Feed
from core.sources.probe import Specs, feed_of

Call = Callable[[Feed], Sequence[Array]]

PIXELS = (0.0, 255.0)
SAMPLES = 4
PATIENCE_S = 2.0
LEAST_CHANGE = 1e-3
"""Power of the change from input to input by the power of the output."""
LEAST = float(np.finfo(np.float16).tiny)
TOLD = "on standard normal inputs the outputs hardly change or stay near 0, on pixels they do not"


def with_pixel_range(inputs: Specs, sizes: Mapping[str, int], run: Call) -> Specs:
    """Return `inputs`, pictures with the span of pixels where only these make the outputs change.

    Networks that take pixels as they are, without a scaling in the graph, see next to nothing of inputs
    around 1: their outputs are those of a black picture, and a comparison on them means nothing.

    Args:
        inputs: As found; a span that the graph told is kept.
        sizes: Example size of each symbol.
        run: Returns the outputs on a feed.
    """
    chosen = [_as_pixels(spec, sizes) for spec in inputs]
    if tuple(chosen) == inputs:
        return inputs
    start = time.monotonic()
    before = _change(inputs, sizes, run)
    if before is None or before >= LEAST_CHANGE or time.monotonic() - start > PATIENCE_S:
        return inputs
    after = _change(tuple(chosen), sizes, run)
    return tuple(chosen) if after is not None and after >= LEAST_CHANGE else inputs


def _as_pixels(spec: TensorSpec, sizes: Mapping[str, int]) -> TensorSpec:
    free = spec.span is None and is_picture(spec, spec.resolve(sizes))
    return replace(spec, span=PIXELS, told=TOLD) if free else spec


def _change(inputs: Specs, sizes: Mapping[str, int], run: Call) -> float | None:
    """Return the median over the outputs of how much they change from input to input; None where it fails."""
    try:
        seen = [run(feed_of(inputs, sizes, seed)) for seed in range(SAMPLES)]
        outputs = [
            np.stack([np.asarray(part, np.float64) for part in parts]) for parts in zip(*seen, strict=True)
        ]
    except Exception:  # a size that depends on the values, or a refusal of them
        return None
    shares = [_share(output) for output in outputs if output.size and np.isfinite(output).all()]
    return float(np.median(shares)) if shares else None


def _share(output: Array) -> float:
    power = float((output**2).sum())
    if np.abs(output).max() < LEAST:
        return 0.0
    return float(((output - output.mean(axis=0)) ** 2).sum()) / power
