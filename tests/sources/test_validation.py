"""Answers of a working process that was taken over: what becomes of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.domain.model import SourceModel
from core.errors import UnsafeUpload, UnsupportedModel
from core.sandbox.answers import made_of
from core.serde import to_plain
from core.sources.describe import Described, accept
from core.sources.validation import MOST_NOTES
from core.work.output_files import LONGEST_NAME
from tests.factories import model

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


def model_of(reply: Any) -> SourceModel:
    """Return what an executor makes of the values that an inspection answers."""
    request: Any = None
    return accept(request, made_of(reply, Described)).model


def said(**changes: Any) -> dict[str, Any]:
    return {"model": {**to_plain(model("onnx")), **changes}}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_an_honest_description_arrives_whole() -> None:
    honest = model("onnx", architecture={"name": "resnet18", "layers": [1, 2], "code": "a\nb"})
    assert model_of({"model": to_plain(honest)}) == honest


def test_texts_are_plain_and_short() -> None:
    note = {"message": f"see\nthis{OVERRIDE}", "hint": "h" * 10_000}
    got = model_of(
        said(name="n\n# title" * 100_000, task="[here](https://evil.example)", notes=[note] * 5000)
    )
    assert got.name.startswith("n # title")
    assert len(got.name) <= LONGEST_NAME
    assert got.task == "other"
    assert len(got.notes) == MOST_NOTES
    assert got.notes[0].message == "see this"
    assert len(json.dumps(to_plain(got))) < 500_000


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": None},
        {"inputs": [{"name": "x"}]},
        {"parameters": "many"},
        {"parameters": -1},
        {"macs": 10**30},
        {"size_bytes": float("nan")},
        {"format": "exe"},
        {"architecture": nested(60)},
        {"architecture": {"layers": [0] * 1_500_000}},
        {"architecture": {"scale": float("inf")}},
        {"symbols": [1, 2]},
        {"notes": "none"},
    ],
)
def test_what_is_malformed_is_an_input_error(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsafeUpload, match="cannot be used"):
        model_of(said(**changes))


@pytest.mark.parametrize("reply", [{}, {"model": None}, {"model": []}, {"model": "x"}])
def test_a_missing_description_is_an_input_error(reply: dict[str, Any]) -> None:
    with pytest.raises(UnsafeUpload):
        model_of(reply)


@pytest.mark.parametrize("name", ["x\ny", f"x{OVERRIDE}", "x" * (LONGEST_NAME + 1), "\ud800"])
def test_a_tensors_name_is_kept_letter_by_letter_or_refused(name: str) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        model_of(said(inputs=[{"name": name, "dtype": "float32", "shape": [1]}]))
    assert caught.value.message.isprintable()


def test_more_tensors_than_a_page_can_hold_are_refused() -> None:
    specs = [{"name": f"x{i}", "dtype": "float32", "shape": [1]} for i in range(5000)]
    with pytest.raises(UnsupportedModel):
        model_of(said(outputs=specs))
