"""Training and test data of the sample models: scikit-learn's built-in sets with a fixed split."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.datasets.builtin.digits import as_images, as_tokens
from core.datasets.builtin.split import held_out, training


class Rows(NamedTuple):
    """Inputs with the batch first, and labels (n,) int64."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


def training_rows(sample_id: str) -> Rows:
    """The half of the rows that training sees."""
    inputs, labels = _load(sample_id)
    rows = training(len(labels))
    return Rows(inputs[rows], labels[rows])


def held_out_rows(sample_id: str) -> Rows:
    """The half of the rows that accuracy is measured on."""
    inputs, labels = _load(sample_id)
    rows = held_out(len(labels))
    return Rows(inputs[rows], labels[rows])


def _load(sample_id: str) -> Rows:
    from sklearn.datasets import load_breast_cancer, load_digits

    if sample_id == "cancer-mlp":
        features, labels = load_breast_cancer(return_X_y=True)
        return Rows(features.astype(np.float32), labels.astype(np.int64))
    pixels, labels = load_digits(return_X_y=True)
    if sample_id == "digits-transformer":
        return Rows(as_tokens(pixels), labels.astype(np.int64))
    return Rows(as_images(pixels), labels.astype(np.int64))
