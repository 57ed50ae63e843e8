"""Random inputs that fit a model: for checks, for timing, and where nobody gave data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.domain.model import SourceModel, TensorSpec
from core.protocols import Array, Feed


def _values(spec: TensorSpec, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "b":
        return np.ones(shape, dtype)
    if dtype.kind in "iu":
        if "mask" in spec.name.lower():
            return np.ones(shape, dtype)
        top = min(spec.high or 2, int(np.iinfo(dtype).max) + 1)
        return np.asarray(generator.integers(0, top, shape), dtype)
    return np.asarray(generator.standard_normal(shape), dtype)


def example_feed(model: SourceModel, batch: int = 1, seed: int = 0) -> Feed:
    """Return one random feed of `model`.

    Floats are standard normal, integers lie below the input's `high` or are 0 and 1 where it is unknown,
    masks are ones and booleans true.

    Args:
        model: Gives names, dtypes and shapes.
        batch: Size of the batch; ignored where the model's is fixed.
        seed: The same seed gives the same feed.
    """
    shapes, generator = model.shapes(batch), np.random.default_rng(seed)
    return {spec.name: _values(spec, shapes[spec.name], generator) for spec in model.inputs}


def example_feeds(model: SourceModel, count: int, seed: int = 0) -> Iterator[Feed]:
    """Yield `count` different random feeds of batch 1, or of the model's fixed batch."""
    for number in range(count):
        yield example_feed(model, seed=seed + number)
