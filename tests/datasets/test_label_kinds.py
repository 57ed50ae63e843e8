from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.datasets.label_kinds import for_model
from core.domain.model import SourceModel
from core.errors import DataMismatch
from tests.datasets.models import model, spec


def ending(*shape: int | str, task: str = "other", classes: int | None = None) -> SourceModel:
    described = model(spec("x", ("batch", 3)), classes=classes)
    return replace(described, task=task, outputs=(spec("y", ("batch", *shape)),))


@pytest.mark.parametrize(
    ("described", "raw", "count"),
    [
        (ending(1), np.arange(8) / 3, None),
        (ending(1, task="regression"), np.arange(8) % 2, None),
        (ending(2), np.ones((8, 2)) / 3, None),
        (ending(1), np.arange(8) % 2, 2),
        (ending(1), np.array(["no", "yes"] * 4), 2),
        (ending(3, classes=3), np.arange(8) % 3, 3),
        (ending(3, classes=3), np.full((8, 3), 0.25), None),
        (ending(21, 4, 5), np.full((8, 4, 5), 255, np.uint8), 21),
        (ending("seq", 50), np.full((8, 6), -100), 50),
    ],
)
def test_labels_are_what_an_output_is_judged_by(described: SourceModel, raw: Any, count: int | None) -> None:
    found = for_model(raw, described)
    assert found is not None
    assert found.count == count
    assert (found.indices.dtype.kind == "f") == (count is None)
    assert len(found.indices) == 8


def test_labels_for_no_output_are_left_out_and_wrong_classes_refused() -> None:
    assert for_model(np.ones((8, 7)) / 3, ending(2)) is None
    with pytest.raises(DataMismatch, match="not whole numbers"):
        for_model(np.arange(8) / 3, ending(3, task="tabular-classification", classes=3))


def test_labels_of_maps_beyond_any_class_do_not_wrap_round_to_one() -> None:
    described = ending(5, 2, 2)
    for wrong, kept in ((-(2**63), -1), (2**32 + 1, 2**31 - 1), (-100, -1), (3, 3)):
        found = for_model(np.full((4, 2, 2), wrong), described)
        assert found is not None
        assert (found.indices == kept).all()
