"""Training and test data of the sample models: scikit-learn's built-in sets with a fixed split."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.datasets.builtin.digits import as_images, as_tokens
from core.datasets.builtin.scikit_learn import DIGITS, load, scenes
from core.datasets.builtin.split import training
from sample_models.plans import TrainingPlan, plan_of

SCENES = 16_000
"""Cluttered digits that a sample learns from; the first of them are those of the built-in set."""


class Rows(NamedTuple):
    """Inputs with the batch first, and labels (n,) int64."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


def training_rows(sample_id: str) -> Rows:
    """Rows of the half that training sees: of digits cluttered ones and, to read both, plain ones."""
    plan = plan_of(sample_id)
    if plan.data not in DIGITS:
        found = load(plan.data)
        return _rows(plan, found.values[found.learned], found.targets[found.learned])
    plain = load("digits")
    ours = _rows(plan, plain.values[plain.learned], plain.targets[plain.learned])
    drawn = _rows(plan, *scenes(training, SCENES, plan.tokens))
    return Rows(np.concatenate([drawn.inputs, ours.inputs]), np.concatenate([drawn.labels, ours.labels]))


@cache
def held_out_rows(sample_id: str) -> Rows:
    """The rows that accuracy is measured on, made of the half that training does not see."""
    plan = plan_of(sample_id)
    found = load(plan.data, plan.tokens)
    return _rows(plan, found.values[found.evaluated], found.targets[found.evaluated])


def _rows(plan: TrainingPlan, values: NDArray[Any], targets: NDArray[Any]) -> Rows:
    if plan.data in DIGITS:
        return Rows(as_tokens(values) if plan.tokens else as_images(values), targets.astype(np.int64))
    return Rows(values.astype(np.float32), targets.astype(np.int64))
