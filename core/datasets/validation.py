"""Data validation: prepared rows against the model's inputs."""

from __future__ import annotations

import numpy as np

from core.datasets.arrays.layout import dims, row_fits
from core.datasets.stratified import MAX_BYTES
from core.domain.model import SourceModel, TensorSpec
from core.errors import DataMismatch
from core.protocols import Array, Prepared

MIN_SAMPLES = 4
IGNORED_CLASS = 255
CHUNK_BYTES = 16 * 1024**2
LARGEST_NUMBER = 1e100
"""Of numbers to predict: metrics add up squares."""


def check(prepared: Prepared, model: SourceModel) -> None:
    """Check that rows fit `model` in names, shapes, dtypes and values, and that labels fit its outputs.

    Raises:
        DataMismatch: What does not fit, and what to do.
    """
    missing = [spec.name for spec in model.inputs if spec.name not in prepared.inputs]
    if missing:
        raise DataMismatch(
            f"The data has nothing for the input {', '.join(missing)}.", hint="Give one array per input."
        )
    lengths = {name: len(array) for name, array in prepared.inputs.items()}
    if prepared.labels is not None:
        lengths["labels"] = len(prepared.labels)
    samples = len(prepared.inputs[model.inputs[0].name])
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise DataMismatch(f"Inputs and labels differ in length: {counted}.", hint="Give one row per sample.")
    if samples < MIN_SAMPLES:
        raise DataMismatch(
            f"The data has {samples} sample(s); at least {MIN_SAMPLES} are needed to calibrate and evaluate.",
            hint="Give more samples; a few hundred make accuracy worth reading.",
        )
    sizes: dict[str, tuple[int, str]] = {}
    for spec in model.inputs:
        _check_input(prepared.inputs[spec.name], spec, sizes)
    if prepared.labels is not None:
        _check_labels(prepared.labels, prepared.label_classes or model.classes)


def _check_input(array: Array, spec: TensorSpec, sizes: dict[str, tuple[int, str]]) -> None:
    if not row_fits(array.shape[1:], spec):
        raise DataMismatch(
            f"Rows of {dims(array.shape[1:])} do not fit the input {spec.name!r}, which takes "
            f"{dims(spec.shape[1:])}.",
            hint="Choose data that belongs to this model.",
        )
    for want, have in zip(spec.shape[1:], array.shape[1:], strict=True):
        other, name = sizes.setdefault(str(want), (have, spec.name))
        if isinstance(want, str) and other != have:
            raise DataMismatch(
                f"The size {want!r} is {other} in {name!r}, but {have} in {spec.name!r}.",
                hint="Give arrays of the same length for both.",
            )
    if array.dtype != np.dtype(spec.dtype):
        raise DataMismatch(
            f"The input {spec.name!r} takes {spec.dtype}, the data is {array.dtype}.",
            hint="Convert the data.",
        )
    if array.nbytes > 2 * MAX_BYTES:
        raise DataMismatch(
            f"The rows for {spec.name!r} take {array.nbytes / 1e9:.1f} GB.",
            hint="Set a limit on the samples.",
        )
    _check_values(array, spec)


def _check_values(array: Array, spec: TensorSpec) -> None:
    step = max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        part = array[start : start + step]
        if part.dtype.kind == "f" and not (finite := np.isfinite(part)).all():
            row = start + int(np.flatnonzero(~finite.reshape(len(part), -1).all(axis=1))[0])
            raise DataMismatch(
                f"Sample {row + 1} holds a value that is no number (NaN or infinity) for {spec.name!r}.",
                hint="Remove or fill such values.",
            )
        if part.dtype.kind in "iu" and spec.high is not None and part.size:
            low, high = int(part.min()), int(part.max())
            if low < 0 or high >= spec.high:
                raise DataMismatch(
                    f"The values for {spec.name!r} go from {low} to {high}, but the model takes 0 to "
                    f"{spec.high - 1}.",
                    hint="Use the tokenizer or encoding that the model was trained with.",
                )


def _check_labels(labels: Array, classes: int | None) -> None:
    if labels.dtype.kind == "f":
        if not (finite := np.isfinite(labels.reshape(len(labels), -1)).all(axis=1)).all():
            raise DataMismatch(
                f"The label of sample {int(finite.argmin()) + 1} is no number (NaN or infinity).",
                hint="Remove or fill such values.",
            )
        if (largest := float(np.abs(labels).max(initial=0))) > LARGEST_NUMBER:
            raise DataMismatch(
                f"Labels go up to {largest:g}; the square of such a number cannot be computed.",
                hint=f"Give numbers up to {LARGEST_NUMBER:g}, such as in another unit.",
            )
        return
    if labels.ndim > 1:  # what is to be ignored in maps of labels lies outside of the classes
        labels = labels[(labels >= 0) & (labels != IGNORED_CLASS)]
    if classes is None or not labels.size:
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise DataMismatch(
            f"Labels go down to {low}; classes count from 0.",
            hint="Remove samples without a class, or number the classes from 0.",
        )
    if high >= classes:
        hint = "Choose data that belongs to this model."
        if low == 1 and high == classes:
            hint = "The labels seem to count from 1: subtract 1 from each."
        raise DataMismatch(f"Labels go up to {high}, but the model has {classes} outputs.", hint=hint)
