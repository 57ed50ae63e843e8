"""What a model is probably for."""

from __future__ import annotations

import pytest

from core.domain.model import TensorSpec
from core.sources.facts import guess_task
from core.sources.probe import Settled


def task(inputs: tuple[int | str, ...], outputs: tuple[int | str, ...]) -> tuple[str, int | None]:
    specs = TensorSpec("x", "float32", inputs), TensorSpec("y", "float32", outputs)
    return guess_task(Settled((specs[0],), (specs[1],), {"batch": 1}, "batch", ()))


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        (("batch", 4), ("batch", 3), ("tabular-classification", 3)),
        (("batch", 30), ("batch", 30), ("other", None)),
        (("batch", 3, 32, 32), ("batch", 10), ("image-classification", 10)),
        (("batch", 3, 32, 32), ("batch", 10, 1, 1), ("image-classification", 10)),
        (("batch", 3, 32, 32), ("batch", 4, 32, 32), ("other", None)),
        ((1, 3, 32, 32), (7, 6), ("other", None)),
        ((4, 3, 32, 32), (4, 6), ("image-classification", 6)),
        (("batch", 4), ("batch", 1), ("other", None)),
    ],
)
def test_task_by_shapes(
    inputs: tuple[int | str, ...], outputs: tuple[int | str, ...], expected: tuple[str, int | None]
) -> None:
    assert task(inputs, outputs) == expected


@pytest.mark.parametrize(
    ("outputs", "classes"),
    [
        ([("int64", ("batch",)), ("float32", ("batch", 3))], 3),
        ([("float32", ("batch", 3)), ("float32", ("batch", 3)), ("int64", ("batch",))], 3),
        ([("float32", ("batch", 3)), ("float32", ("batch", 8))], None),
        ([("float32", ("batch", 3)), ("float32", (2, "batch", 8))], None),
        ([("int64", ("batch",))], None),
    ],
)
def test_classes_beside_other_outputs(
    outputs: list[tuple[str, tuple[int | str, ...]]], classes: int | None
) -> None:
    """Scikit-learn's classifiers return the label first, then a probability for each class."""
    specs = tuple(TensorSpec(f"y{index}", dtype, shape) for index, (dtype, shape) in enumerate(outputs))
    row = TensorSpec("x", "float32", ("batch", 4))
    assert guess_task(Settled((row,), specs, {"batch": 1}, "batch", ()))[1] == classes
