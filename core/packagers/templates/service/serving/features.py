"""What is kept of a prediction to watch for drift: a few numbers of its inputs and outputs, never the inputs.

Needs NumPy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
NUMBER, CATEGORY, EMBEDDING = "number", "category", "embedding"
CLASS, CONFIDENCE = "predicted class", "confidence"
COLUMNS, FEW = 64, 8
"""Values of an input, or of an output, that are watched one by one; of longer ones statistics are."""
WIDTH, GRID, HASHED, BLOCKS = 16, 4, 256, 64
CHANNELS = (1, 3, 4)


class Spec(Protocol):
    """An input as `service.json` has it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def shape(self) -> Sequence[int | str]:
        """Its sizes; a text is one that a request chooses."""

    @property
    def high(self) -> int | None:
        """What its whole numbers stay below, where that is known."""


@dataclass(frozen=True)
class Part:
    """Numbers of each row that are watched together.

    `values` is (rows, width). `private`: they are values of an input, so that no more than the nearest
    quantile of the reference is kept of them.
    """

    name: str
    kind: str
    values: Array
    private: bool = False


def parts(
    inputs: Sequence[Spec], feed: Mapping[str, Array], outputs: Mapping[str, Array], scores: str, rows: int
) -> list[Part]:
    """Return what is watched of a request.

    Args:
        inputs: Of the model.
        feed: Arrays by input; with one row each is a whole call, unless its first axis is that row.
        outputs: Arrays by output.
        scores: Name of the output with a score for each class; empty without one.
        rows: Of the request.
    """
    found: list[Part] = []
    for spec in inputs:
        found += _input(spec, _by_row(feed[spec.name], rows))
    for name, value in outputs.items():
        found += classes(value) if name == scores else _output(name, _by_row(value, rows))
    return found


def classes(scores: Array) -> list[Part]:
    """Return class, confidence and an embedding of rows of scores: probabilities, or logits."""
    chance = probabilities(scores)
    best = chance.argmax(axis=1)
    return [
        Part(CLASS, CATEGORY, best[:, None].astype(np.float64)),
        Part(CONFIDENCE, NUMBER, chance.max(axis=1)[:, None]),
        Part("all scores", EMBEDDING, projected(chance)),
    ]


def probabilities(scores: Array) -> Array:
    """Return scores as probabilities: as they are, or their softmax where they are logits."""
    rows = np.nan_to_num(np.asarray(scores, np.float64))
    if rows.size and rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=0.01):
        return rows
    raised = np.exp(rows - rows.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def projected(rows: Array) -> Array:
    """Return `WIDTH` random projections of each row, always the same ones; short rows stay as they are.

    Distances survive such a projection: Johnson and Lindenstrauss, Contemp. Math. 26 (1984).
    """
    width = rows.shape[1]
    if width <= WIDTH:
        return rows
    return np.asarray(rows @ np.random.default_rng(width).standard_normal((width, WIDTH)) / np.sqrt(WIDTH))


def _by_row(value: Array, rows: int) -> Array:
    return value if value.ndim and len(value) == rows else value[np.newaxis]


def _input(spec: Spec, value: Array) -> list[Part]:
    name, flat = spec.name, value.reshape(len(value), -1).astype(np.float64)
    free = any(isinstance(size, str) for size in spec.shape[1:])
    texts = free or flat.shape[1] > (COLUMNS if spec.high is None else FEW)
    if value.dtype.kind in "iub" and value.ndim == 2 and texts:
        return _tokens(name, value, spec.high)
    if value.ndim == 4 and flat.shape[1] > COLUMNS and (found := _picture(name, value)):
        return found
    if not free and flat.shape[1] <= COLUMNS:
        return _columns(name, flat, private=True)
    return _signal(name, flat)


def _columns(name: str, flat: Array, private: bool) -> list[Part]:
    named = [name] if flat.shape[1] == 1 else [f"{name}[{index}]" for index in range(flat.shape[1])]
    return [Part(each, NUMBER, flat[:, [index]], private) for index, each in enumerate(named)]


def _tokens(name: str, value: Array, high: int | None) -> list[Part]:
    """Return statistics of texts, and of larger vocabularies a bag of their tokens by feature hashing.

    Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009.
    """
    ids = value.astype(np.int64)
    length = Part(f"{name}: not zero", NUMBER, (ids != 0).sum(axis=1, keepdims=True).astype(np.float64))
    if high is not None and high <= 2:
        return [length]
    distinct = np.array([[len(np.unique(row)) / max(1, row.size)] for row in ids])
    bags = np.zeros((len(ids), HASHED))
    for bag, row in zip(bags, ids, strict=True):
        np.add.at(bag, (row * 2654435761 >> 7) % HASHED, (row != 0).astype(np.float64))
    bags /= np.maximum(bags.sum(axis=1, keepdims=True), 1)
    return [
        length,
        Part(f"{name}: distinct", NUMBER, distinct),
        Part(f"{name}: tokens", EMBEDDING, projected(bags)),
    ]


def _picture(name: str, value: Array) -> list[Part]:
    first = value.shape[1] in CHANNELS
    if not first and value.shape[3] not in CHANNELS:
        return []
    seen = (value if first else value.transpose(0, 3, 1, 2)).astype(np.float64)
    if min(seen.shape[2:]) < GRID:
        return []
    means, spreads = seen.mean(axis=(2, 3)), seen.std(axis=(2, 3))
    numbers = [Part(f"{name}: brightness", NUMBER, means.mean(axis=1, keepdims=True))]
    for channel in range(seen.shape[1]):
        if seen.shape[1] > 1:
            numbers.append(Part(f"{name}: mean of channel {channel}", NUMBER, means[:, [channel]]))
        numbers.append(Part(f"{name}: spread of channel {channel}", NUMBER, spreads[:, [channel]]))
    coarse = _blocks(_blocks(seen, 2, GRID), 3, GRID).reshape(len(seen), -1)
    return [*numbers, Part(f"{name}: coarse picture", EMBEDDING, projected(coarse))]


def _signal(name: str, flat: Array) -> list[Part]:
    kept = np.where(np.isfinite(flat), flat, 0.0)
    told: dict[str, Array] = {"mean": kept.mean(axis=1), "spread": kept.std(axis=1)}
    told |= {"lowest": kept.min(axis=1), "highest": kept.max(axis=1)}
    numbers = [Part(f"{name}: {what}", NUMBER, values[:, None]) for what, values in told.items()]
    return [*numbers, Part(f"{name}: course", EMBEDDING, projected(_blocks(kept, 1, BLOCKS)))]


def _output(name: str, value: Array) -> list[Part]:
    flat = value.reshape(len(value), -1).astype(np.float64)
    if 0 < flat.shape[1] <= FEW:
        return _columns(f"output {name}", flat, private=False)
    return [] if not flat.shape[1] else _signal(f"output {name}", flat)


def _blocks(value: Array, axis: int, count: int) -> Array:
    """Return means of `count` stretches of an axis, as equal as they can be; of a short one its values."""
    if value.shape[axis] < count:
        return np.asarray(np.take(value, np.arange(count) * value.shape[axis] // count, axis=axis))
    edges = np.linspace(0, value.shape[axis], count + 1).astype(int)
    sums = np.add.reduceat(value, edges[:-1], axis=axis)
    shape = [1] * value.ndim
    shape[axis] = count
    return np.asarray(sums / np.diff(edges).reshape(shape))
