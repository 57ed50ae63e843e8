"""What a process says of the data that it prepared, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from core.datasets.prepare import PreparedData, PrepareRequest, accept
from core.domain.model import DataSet, SourceModel
from core.errors import InputError
from core.sandbox.answers import made_of
from tests.factories import model

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


def data_of(reply: Any, described: SourceModel) -> DataSet:
    """Return what an executor makes of the values that a preparation answers."""
    return accept(PrepareRequest(None, described), made_of(reply, PreparedData)).data


def data(**changes: Any) -> dict[str, Any]:
    fields = {
        "id": "", "name": "rows", "files": [], "inputs": [spec.name for spec in model("onnx").inputs],
        "calibration_samples": 4, "evaluation_samples": 8, "labelled": True,
    }  # fmt: skip
    return {"data": {**fields, **changes}}


def test_data_is_plain_text_too() -> None:
    got = data_of(
        data(name="a\nb", classes=[f"cat{OVERRIDE}"], preparation={"Si\nze": "8\n8"}), model("onnx")
    )
    assert (got.name, got.classes, got.preparation) == ("a b", ("cat",), {"Si ze": "8 8"})


@pytest.mark.parametrize("changes", [{"inputs": ["other"]}, {"evaluation_samples": -1}, {"classes": 3}])
def test_data_of_another_form_is_an_input_error(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        data_of(data(**changes), model("onnx"))
