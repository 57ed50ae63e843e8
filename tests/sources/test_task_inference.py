"""What a model is probably for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.domain.model import SourceModel, TensorSpec
from core.errors import InvalidRequest
from core.sources.task_inference import guess_task, restated, tells_of_classes


def task(inputs: tuple[int | str, ...], outputs: tuple[int | str, ...]) -> tuple[str, int | None]:
    specs = TensorSpec("x", "float32", inputs), TensorSpec("y", "float32", outputs)
    return guess_task(specs[:1], specs[1:], {"batch": 1}, told=True)


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
    assert guess_task((row,), specs, {"batch": 1}, told=False)[1] == classes


def test_three_scores_are_no_classes_unless_something_tells() -> None:
    row, scores = TensorSpec("x", "float32", ("batch", 4)), TensorSpec("y", "float32", ("batch", 3))
    assert guess_task((row,), (scores,), {"batch": 1}, told=False) == ("other", 3)


def test_the_width_of_a_public_image_set_tells() -> None:
    image = TensorSpec("x", "float32", ("batch", 3, 32, 32))
    told = {
        width: guess_task((image,), (TensorSpec("y", "float32", ("batch", width)),), {"batch": 1}, told=False)
        for width in (1000, 6)
    }
    assert told == {1000: ("image-classification", 1000), 6: ("other", 6)}


def test_probabilities_their_logarithms_and_names_tell_of_classes() -> None:
    shares = np.array([[0.2, 0.3, 0.5]], np.float32)
    assert tells_of_classes([shares], [])
    assert tells_of_classes([np.log(shares)], [])
    assert tells_of_classes([shares * 2], ["classifier.weight"])
    assert not tells_of_classes([shares * 2, np.zeros((1,)), np.full((1, 2), np.nan)], ["fc.weight"])


def described(task: str, classes: int | None) -> SourceModel:
    row, scores = TensorSpec("x", "float32", ("batch", 4)), TensorSpec("y", "float32", ("batch", 3))
    return SourceModel(
        "a", "net", "onnx", (), "", (row,), (scores,), {"batch": 1}, "batch", 1, None, 1, task, classes
    )


def test_judgement_follows_the_stated_task() -> None:
    told = described("tabular-classification", 3)
    assert told.classes_judged(labelled=False) == 3
    regression = restated(told, "regression")
    assert regression.classes_judged(labelled=True) is None
    assert regression.id != told.id
    again = restated(regression, "tabular-classification")
    assert again.classes_judged(labelled=False) == 3


def test_labels_are_evidence_where_the_task_is_unknown() -> None:
    unknown = described("other", 3)
    assert (unknown.classes_judged(labelled=False), unknown.classes_judged(labelled=True)) == (None, 3)


def test_a_task_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest) as caught:
        restated(described("other", 3), "poetry")
    assert "regression" in caught.value.hint


def test_a_classification_needs_an_axis_of_classes() -> None:
    flat = replace(described("other", None), outputs=(TensorSpec("y", "float32", ("batch", 1)),))
    assert restated(flat, "tabular-classification").classes is None  # a single score tells of two classes
    flat = replace(flat, outputs=(TensorSpec("y", "float32", ("batch", "k")),), symbols={"k": 5})
    with pytest.raises(InvalidRequest, match="No output has an axis of classes"):
        restated(flat, "tabular-classification")
