"""Kinds of labels: classes of samples, of pixels or of tokens, or numbers to predict."""

from __future__ import annotations

from math import prod

import numpy as np

from core.datasets.labels import Labels, as_indices
from core.domain.model import DETECTION, NUMBER_TASKS, SourceModel, TensorSpec
from core.protocols import Array

_AS_INT32 = {"b": (False, True), "u": (0, 2**31 - 1), "i": (-1, 2**31 - 1)}


def for_model(raw: Array, model: SourceModel, names: tuple[str, ...] = ()) -> Labels | None:
    """Return `raw` labels as what `model` is judged by; None where they are for none of its outputs.

    Args:
        raw: Texts or numbers (samples, ...).
        model: Its outputs and its task say what labels can be.
        names: Class names in the model's order where a person or file states them.

    Raises:
        DataMismatch: They are meant as classes and are none.
    """
    if model.task == DETECTION:  # its labels are boxes
        return None
    numeric, predicts = raw.dtype.kind in "biuf", model.task in NUMBER_TASKS
    single = raw.ndim == 1 or raw.shape[1:] == (1,)
    if not predicts and numeric and raw.dtype.kind in "biu" and not single:
        found = next((count for spec in _floats(model) if (count := _dense(spec, raw.shape[1:]))), None)
        if found is not None:
            note = {"Labels": f"{prod(raw.shape[1:]):,} class numbers for each sample"}
            # Clipped, so that what no class can be stays so and does not wrap round to one.
            return Labels(np.clip(raw, *_AS_INT32[raw.dtype.kind]).astype(np.int32), names, note, found)
    classes = class_count(model)
    if classes is not None and not (numeric and _is_other(raw, model)):
        found_labels = as_indices(raw, classes, names)
        return Labels(found_labels.indices, found_labels.classes, found_labels.notes, classes)
    if numeric and any(
        prod(spec.resolve(model.symbols)[1:]) == prod(raw.shape[1:]) for spec in _floats(model)
    ):
        note = {"Labels": f"{prod(raw.shape[1:]):,} to predict for each sample, {raw.dtype}"}
        return Labels(raw.astype(np.float64), (), note)
    return None


def class_count(model: SourceModel) -> int | None:
    """Return the classes that one label per sample may choose from: 2 where a single score tells of them."""
    if model.task in NUMBER_TASKS or model.task == DETECTION:
        return None
    if model.classes is not None:
        return model.classes
    single = any(prod(spec.resolve(model.symbols)[1:]) == 1 for spec in _floats(model))
    return 2 if single else None


def _is_other(raw: Array, model: SourceModel) -> bool:
    """Whether numbers cannot be classes, and nobody said that they are."""
    if model.task.endswith("classification"):
        return False
    if model.classes is None:
        return not np.isin(raw, (0, 1)).all()
    return bool(raw.dtype.kind == "f" and not (raw == np.floor(raw)).all())


def _floats(model: SourceModel) -> list[TensorSpec]:
    return [spec for spec in model.outputs if np.dtype(spec.dtype).kind == "f"]


def _dense(spec: TensorSpec, row: tuple[int, ...]) -> int | None:
    """Return the size of the class axis, first or last, where the other axes are those of a label map."""
    sizes = spec.shape[1:]
    for classes, others in ((sizes[:1], sizes[1:]), (sizes[-1:], sizes[:-1])):
        fits = len(others) == len(row) and all(
            isinstance(want, str) or want == have for want, have in zip(others, row, strict=True)
        )
        if fits and classes and isinstance(classes[0], int) and classes[0] > 1:
            return classes[0]
    return None
