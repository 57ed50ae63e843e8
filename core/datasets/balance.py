"""Distribution of the labels of a data set: samples per class, or a histogram of the numbers to predict."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.protocols import Prepared

MOST_CLASSES, BINS = 1000, 20
CLASS_COLUMN = 5
"""Of a box: the class number, below 0 where there is no box."""


def balance(prepared: Prepared) -> dict[str, Any] | None:
    """Return ``{"counts": ...}`` by class number, for numbers with the ``edges`` of the bins, too.

    Boxes, pixels and tokens count one each; what is to be ignored, such as a label below 0, does not. None
    without labels, or with too many classes to be shown.
    """
    labels = prepared.labels
    if labels is None or not labels.size:
        return None
    if prepared.boxes:
        labels = labels[..., CLASS_COLUMN].astype(np.int64)
    elif labels.dtype.kind == "f":
        counts, edges = np.histogram(labels[np.isfinite(labels)], BINS)
        return {"counts": counts.tolist(), "edges": edges.tolist()}
    found = labels[labels >= 0].reshape(-1).astype(np.int64)
    if not found.size or found.max() >= MOST_CLASSES:
        return None
    return {"counts": np.bincount(found, minlength=min(len(prepared.classes), MOST_CLASSES)).tolist()}
