"""Answers: arrays as JSON or ``.npz``, the best classes, and boxes on the picture that was sent."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from serving.errors import Refused
from serving.inputs import Array
from serving.settings import Settings


def as_npz(outputs: dict[str, Array]) -> bytes:
    """Return the outputs as ``numpy.savez`` writes them, which itself takes none named ``file``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, value in outputs.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(value), allow_pickle=False)
    return stream.getvalue()


def as_json(settings: Settings, outputs: dict[str, Array], more: dict[str, Any]) -> bytes:
    """Return the outputs as nested lists, numbers that are not finite as null.

    Raises:
        Refused: There are more numbers than JSON is good for.
    """
    numbers = sum(value.size for value in outputs.values())
    if numbers > settings.max_json_numbers:
        raise Refused(
            406,
            f"The outputs have {numbers:,} numbers, too many for JSON. Ask for a binary answer with the "
            "header Accept: application/x-npz.",
        )
    return json.dumps({**more, "outputs": {name: _plain(value) for name, value in outputs.items()}}).encode()


def _plain(value: Array) -> Any:
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        known = value.astype(object)
        known[~np.isfinite(value)] = None
        return known.tolist()
    return value.tolist()


def best_classes(settings: Settings, outputs: dict[str, Array]) -> list[list[dict[str, Any]]]:
    """Return the classes of the highest scores of each row; probabilities where the scores are logits."""
    found = []
    scores = np.asarray(outputs[settings.scores], np.float64)
    for row, chance in zip(scores, probabilities(scores), strict=True):
        order = np.argsort(-row)[: settings.top]
        found.append([_named(settings, int(i), float(row[i]), float(chance[i])) for i in order])
    return found


def _named(settings: Settings, index: int, score: float, probability: float) -> dict[str, Any]:
    return {"class": class_name(settings, index), "index": index, "score": score, "probability": probability}


def class_name(settings: Settings, index: int) -> str:
    """Return the name of a class; its number where it has none."""
    return settings.classes[index] if index < len(settings.classes) else str(index)


def probabilities(scores: Array) -> Array:
    """Return scores of rows as probabilities: as they are, or of logits by softmax."""
    scores = np.asarray(scores, np.float64)
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    are = (scores.min(axis=1) >= 0) & (abs(scores.sum(axis=1) - 1) < 0.01)
    return np.where(are[:, None], scores, raised / raised.sum(axis=1, keepdims=True))
