"""Label encoding: names, numbers or one-hot rows to class indices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.errors import DataMismatch
from core.protocols import Array

SHOWN = 12
LONGEST_NUMBER = 9
IGNORED = {"Labels": "left out: they fit none of the model's outputs, so outputs are compared instead"}


@dataclass(frozen=True)
class Labels:
    """Class indices with what they mean.

    Attributes:
        indices: (samples,) int64; (samples, ...) for maps of labels; float64 for numbers to predict.
        classes: Names in index order; empty where unknown.
        notes: How they were found, as label and value.
        count: Number of classes to choose from; None for numbers to predict.
    """

    indices: Array
    classes: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    count: int | None = None


def parse_names(text: str) -> tuple[str, ...]:
    """Return the class names that a person listed with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def as_indices(raw: Array, outputs: int | None, names: tuple[str, ...] = ()) -> Labels:
    """Return `raw` labels as class indices.

    Args:
        raw: (samples,) or (samples, 1) numbers or texts, or (samples, classes) one-hot rows.
        outputs: Number of classes of the model, None where unknown.
        names: Class names in the model's order where a person or file states them.

    Raises:
        DataMismatch: Not whole numbers, not one class per sample, or texts whose order is unknown.
    """
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.ndim == 2 and raw.dtype.kind in "biuf":
        return _one_hot(raw, names)
    if raw.ndim != 1:
        raise DataMismatch(
            f"The labels have the shape {raw.shape}; one class per sample is needed.",
            hint="Give a column of class numbers or names with one entry per sample.",
        )
    if raw.dtype.kind in "USTO":
        return _texts(np.asarray([_text(value) for value in raw], dtype=str), outputs, names)
    return Labels(_whole(raw), names, {"Labels": f"{len(raw):,} class numbers"})


def by_name(found: list[str], outputs: int | None, names: tuple[str, ...] = ()) -> dict[str, int]:
    """Return the class index of each distinct name.

    Names that are all numbers below `outputs` are the indices themselves; otherwise names count in
    sorted order, numbers by value, unless `names` states the order.

    Raises:
        DataMismatch: A name is missing in `names`, or the order cannot be known.
    """
    if names:
        missing = [name for name in found if name not in names]
        if missing:
            raise DataMismatch(
                f"The class {missing[0]!r} is not in the list of class names ({listed(names)}).",
                hint="List every class in the order of the model's outputs.",
            )
        return {name: names.index(name) for name in found}
    if all(name.isdecimal() and len(name) <= LONGEST_NUMBER for name in found):
        numbers = {name: int(name) for name in found}
        if outputs is not None and max(numbers.values(), default=0) < outputs:
            return numbers
        found = sorted(found, key=lambda name: (numbers[name], name))
    else:
        found = sorted(found)
    if outputs is not None and len(found) < outputs:
        raise DataMismatch(
            f"There are {len(found)} class names ({listed(tuple(found))}), but the model has {outputs} "
            "outputs, so which name is which output is unknown.",
            hint="List all class names in the order of the model's outputs, or use output numbers from 0.",
        )
    return {name: index for index, name in enumerate(found)}


def listed(names: tuple[str, ...]) -> str:
    """Return `names` with commas, shortened in the middle where there are many."""
    if len(names) <= SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[: SHOWN - 1])}, ... {names[-1]} ({len(names)} in all)"


def ordered(indices: dict[str, int]) -> tuple[str, ...]:
    """Return the names of `by_name` by index; gaps are filled with their number."""
    back = {index: name for name, index in indices.items()}
    return tuple(back.get(index, str(index)) for index in range(max(back, default=-1) + 1))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _one_hot(raw: Array, names: tuple[str, ...]) -> Labels:
    if not (np.isin(raw, (0, 1)).all() and (raw.sum(axis=1) == 1).all()):
        raise DataMismatch(
            f"The labels have the shape {raw.shape} and are not one-hot: one class per sample is needed.",
            hint="Give class numbers, or rows with a single 1.",
        )
    return Labels(
        raw.argmax(axis=1).astype(np.int64), names, {"Labels": f"one-hot rows of {raw.shape[1]} classes"}
    )


def _texts(raw: Array, outputs: int | None, names: tuple[str, ...]) -> Labels:
    found, positions = np.unique(raw, return_inverse=True)
    mapping = by_name([str(name) for name in found], outputs, names)
    indices = np.array([mapping[str(name)] for name in found], dtype=np.int64)[positions]
    classes = names or ordered(mapping)
    order = "as listed" if names else "sorted"
    return Labels(indices, classes, {"Classes": f"{listed(classes)} ({order})"})


def _whole(raw: Array) -> Array:
    if raw.dtype.kind not in "biuf" or not (np.isfinite(raw) & (raw == np.floor(raw))).all():
        raise DataMismatch(
            "The labels are not whole numbers, and accuracy needs one class per sample.",
            hint="Give class numbers from 0; or, if they are values to predict, state the task regression.",
        )
    if raw.size and float(np.abs(raw.astype(np.float64)).max()) >= 2**62:
        raise DataMismatch("A label is far too large for a class.", hint="Give class numbers from 0.")
    return raw.astype(np.int64)
