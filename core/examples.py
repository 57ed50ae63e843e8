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


def _values(spec: TensorSpec, shape: tuple[int, ...], longest: int, generator: np.random.Generator) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return np.asarray(generator.standard_normal(shape), dtype)
    top = min(spec.high or 2, int(np.iinfo(dtype).max) + 1) if dtype.kind in "iu" else 2
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

    Floats are standard normal, integers lie below the input's `high` or are 0 and 1 where it is unknown,
    masks are ones, booleans true unless they hide padding, and lengths are those of the whole sequence.

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
