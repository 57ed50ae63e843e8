"""Random inputs that fit a model: for checks, for timing, and where nobody gave data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from core.domain.model import SourceModel, TensorSpec
from core.protocols import Array, Feed

ROLES = (
    ("padding", r"pad(ding)?_?mask|mask_?pad|^(src|tgt|memory)_mask$|ignore"),
    ("mask", r"mask"),
    ("length", r"len(gth)?s?$"),
    ("rate", r"^sr$|sampl\w*rate"),
    ("segment", r"token_?type|segment"),
)
"""What integers and booleans stand for, by the input's name."""

SAMPLE_RATE = 16000
"""Of speech, in samples a second."""

LEAST_PIXELS = 8
FALL = 0.6
"""Strength of patches half as wide."""


def role(spec: TensorSpec) -> str:
    """Return which of the `ROLES` an input has, or ``value``.

    PyTorch's Transformer takes booleans that are true where nothing is to be seen: ``padding``. A ``length``
    or ``rate`` is one number, alone or per sample.
    """
    kind, name = np.dtype(spec.dtype).kind, spec.name.lower()
    if kind not in "iub":
        return "value"
    found = next((role for role, pattern in ROLES if re.search(pattern, name)), "value")
    if found == "padding" and kind != "b":
        return "mask"
    one = all(size == 1 for size in spec.shape[1:])
    return "value" if found in ("length", "rate") and (kind == "b" or not one) else found


def ceiling(spec: TensorSpec) -> int:
    """Return the exclusive bound of the random whole numbers of an input; bytes are taken for pixels."""
    usual = 256 if spec.dtype == "uint8" else 2
    return spec.high or (usual if spec.span is None else int(spec.span[1]) + 1)


def is_picture(spec: TensorSpec, shape: tuple[int, ...]) -> bool:
    """Whether an input of this shape is a batch of pictures, channels first or last."""
    if len(shape) != 4 or np.dtype(spec.dtype).kind != "f":
        return False
    return (shape[1] in (1, 3) and min(shape[2:]) >= LEAST_PIXELS) or (
        shape[3] in (1, 3) and min(shape[1:3]) >= LEAST_PIXELS
    )


def _floats(spec: TensorSpec, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    if spec.span is None:
        return generator.standard_normal(shape)
    low, high = spec.span
    if is_picture(spec, shape):
        return low + (high - low) * _pictures(shape, generator)
    return generator.uniform(low, high, shape)


def _pictures(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return pictures from 0 to 1 with patches of all sizes, the large ones stronger, as natural ones have.

    Source: the power of natural images falls with the square of the frequency; Field, Journal of the Optical
    Society of America A 4 (1987) 2379-2394.
    """
    first = 2 if shape[1] in (1, 3) else 1
    height, width = shape[first : first + 2]
    found, size, strength = np.zeros(shape), 2, 1.0
    while size <= 2 * max(height, width):
        rows, columns = min(size, height), min(size, width)
        patches = generator.standard_normal([*shape[:first], rows, columns, *shape[first + 2 :]])
        patches = patches.repeat(-(-height // rows), axis=first).repeat(-(-width // columns), axis=first + 1)
        cut = [slice(None)] * first + [slice(height), slice(width)]
        found += strength * patches[tuple(cut)]
        size, strength = 2 * size, strength * FALL
    axes = (1, 2, 3)
    low, high = found.min(axis=axes, keepdims=True), found.max(axis=axes, keepdims=True)
    return np.asarray((found - low) / np.maximum(high - low, np.finfo(np.float64).tiny))


def _values(spec: TensorSpec, shape: tuple[int, ...], longest: int, generator: np.random.Generator) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return np.asarray(_floats(spec, shape, generator), dtype)
    top = min(ceiling(spec), int(np.iinfo(dtype).max) + 1) if dtype.kind in "iu" else 2
    same = {"padding": 0, "mask": 1, "length": longest, "rate": SAMPLE_RATE}.get(role(spec))
    if same is not None:
        return np.full(shape, min(same, top - 1 if spec.high else same), dtype)
    if dtype.kind == "b":
        return np.ones(shape, dtype)
    return np.asarray(generator.integers(0, top, shape), dtype)


def _longest(model: SourceModel) -> int:
    """Return a length that is right whichever axis it is of: the smallest free size, else any smallest."""
    sizes = [size for spec in model.inputs if role(spec) == "value" for size in spec.shape[1:]]
    free = {
        model.symbols.get(size, 1) for size in sizes if isinstance(size, str) and size != model.batch_symbol
    }
    fixed = {size for size in sizes if isinstance(size, int)}
    return min({size for size in free if size > 1} or {size for size in fixed if size > 1} or {1})


def example_feed(model: SourceModel, batch: int = 1, seed: int = 0) -> Feed:
    """Return one random feed of `model`.

    Floats are standard normal or fill the input's `span`, pictures with patches of all sizes. Integers lie
    below the input's `high`; where it is unknown, they are 0 to 255 in bytes, else 0 and 1. Masks are ones,
    booleans true unless they hide padding, and lengths are those of the whole sequence.

    Args:
        model: Gives names, dtypes and shapes.
        batch: Size of the batch; ignored where the model's is fixed.
        seed: The same seed gives the same feed.
    """
    shapes, generator, longest = model.shapes(batch), np.random.default_rng(seed), _longest(model)
    return {spec.name: _values(spec, shapes[spec.name], longest, generator) for spec in model.inputs}


def example_feeds(model: SourceModel, count: int, seed: int = 0) -> Iterator[Feed]:
    """Yield `count` different random feeds of batch 1, or of the model's fixed batch."""
    for number in range(count):
        yield example_feed(model, seed=seed + number)
