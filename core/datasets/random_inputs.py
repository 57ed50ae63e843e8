"""Random inputs where nobody gave data: enough to compare outputs, never to speak of accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets import stratified
from core.domain.model import SourceModel, TensorSpec
from core.examples import SAMPLE_RATE, ceiling, example_feed, role
from core.params import setting
from core.protocols import DataFormat, Prepared

SAMPLES = 256
LEAST = 32
HEAVY_MACS = 400e9
"""Multiply-accumulates over all samples: some seconds on one core. More would use up a short budget."""


@dataclass(frozen=True)
class RandomParams:
    """How much to draw."""

    samples: int = setting(
        SAMPLES,
        "Samples",
        help="At most, fewer for heavy models; more make the comparison surer.",
        low=16,
        high=10_000,
    )
    seed: int = setting(0, "Seed", help="The same seed draws the same inputs.", low=0, high=2**31)


class RandomInputs(DataFormat):
    """Inputs drawn to fit the model's description."""

    id = "random"
    name = "random inputs"
    order = 100
    Params = RandomParams

    def recognizes(self, path: Path) -> bool:
        """No file is random inputs: they are what is left where there is no file."""
        del path
        return False

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: RandomParams) -> Prepared:
        """Return random rows; `path` and `folder` are not read."""
        del path, folder
        symbol = model.batch_symbol
        row = sum(array.nbytes for array in example_feed(model).values()) // (model.fixed_batch or 1)
        count = min(stratified.limit(params.samples, row), max(LEAST, int(HEAVY_MACS / (model.macs or 1))))
        if symbol is not None:
            feed = example_feed(model, count, params.seed)
        else:
            calls = -(-count // (model.fixed_batch or 1))
            feeds = [example_feed(model, seed=params.seed + call) for call in range(calls)]
            feed = {name: np.concatenate([each[name] for each in feeds])[:count] for name in feeds[0]}
        single = {spec.name for spec in model.inputs if role(spec) == "segment"}  # most texts are alone
        inputs = {name: np.zeros_like(array) if name in single else array for name, array in feed.items()}
        return Prepared(inputs=inputs, labels=None, preparation=_describe(model, count, params.seed))


def _describe(model: SourceModel, count: int, seed: int) -> dict[str, str]:
    values = {spec.name: _drawn(spec) for spec in model.inputs}
    return {"Random inputs": f"{count:,} samples, seed {seed}; no labels, so no accuracy"} | values


def _drawn(spec: TensorSpec) -> str:
    kind = np.dtype(spec.dtype).kind
    told = f": {spec.told}" if spec.told else ""
    if kind == "f":
        return "standard normal" if spec.span is None else f"{spec.span[0]:g} to {spec.span[1]:g}{told}"
    drawn = {
        "padding": "false: nothing is padding",
        "mask": "true" if kind == "b" else "ones",
        "length": "the length of the sequence",
        "rate": f"{SAMPLE_RATE:,}",
        "segment": "zeros",
    }
    return drawn.get(role(spec), "true" if kind == "b" else f"whole numbers below {ceiling(spec):,}{told}")


DATASET = RandomInputs()
