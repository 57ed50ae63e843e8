"""Regression errors, shared by MAE, RMSE and R²."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.protocols import Array, LabelledOutput


def is_regression(about: LabelledOutput) -> bool:
    """Whether the labels are numbers to predict."""
    return about.classes is None


def errors(outputs: Array, labels: Array) -> Floats:
    """Return output less label (samples, numbers)."""
    return (outputs.astype(np.float64) - labels).reshape(len(labels), -1)
