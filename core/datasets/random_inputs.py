"""Random inputs where nobody gave data: enough to compare outputs, never to speak of accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.datasets import choose
from core.domain.model import SourceModel
from core.examples import example_feed
from core.params import setting
from core.protocols import Array, Prepared

SAMPLES = 256


@dataclass(frozen=True)
class RandomParams:
    """How much to draw."""

    samples: int = setting(SAMPLES, "Samples", help="More make the comparison surer.", low=16, high=10_000)
    seed: int = setting(0, "Seed", help="The same seed draws the same inputs.", low=0, high=2**31)


class RandomInputs:
    """Inputs drawn to fit the model's description."""

    id: ClassVar[str] = "random"
    name: ClassVar[str] = "random inputs"
    order: ClassVar[int] = 100
    Params: ClassVar[type[RandomParams]] = RandomParams

    def recognizes(self, path: Path) -> bool:
        """No file is random inputs: they are what is left where there is no file."""
        del path
        return False

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: RandomParams) -> Prepared:
        """Return random rows; `path` and `folder` are not read."""
        del path, folder
        symbol = model.batch_symbol
        row = sum(array.nbytes for array in example_feed(model).values()) // (model.fixed_batch or 1)
        count = choose.limit(params.samples, row)
        if symbol is not None:
            feed = example_feed(model, count, params.seed)
        else:
            calls = -(-count // (model.fixed_batch or 1))
            feeds = [example_feed(model, seed=params.seed + call) for call in range(calls)]
            feed = {name: np.concatenate([each[name] for each in feeds])[:count] for name in feeds[0]}
        inputs = {name: _segments(name, array) for name, array in feed.items()}
        return Prepared(inputs=inputs, labels=None, preparation=_describe(model, count, params.seed))


def _segments(name: str, array: Array) -> Array:
    """Return zeros for segment numbers: a single text is what most models are given."""
    if array.dtype.kind in "iu" and any(word in name.lower() for word in ("type", "segment")):
        return np.zeros_like(array)
    return array


def _describe(model: SourceModel, count: int, seed: int) -> dict[str, str]:
    drawn = {"f": "standard normal", "b": "true"}
    kinds = {spec.name: np.dtype(spec.dtype).kind for spec in model.inputs}
    values = {spec.name: drawn.get(kinds[spec.name], _whole(spec.name, spec.high)) for spec in model.inputs}
    return {"Random inputs": f"{count:,} samples, seed {seed}; no labels, so no accuracy"} | values


def _whole(name: str, high: int | None) -> str:
    if "mask" in name.lower():
        return "ones"
    if any(word in name.lower() for word in ("type", "segment")):
        return "zeros"
    return f"whole numbers below {high or 2}"


DATASET = RandomInputs()
