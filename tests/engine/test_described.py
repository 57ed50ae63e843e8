"""Answers of a working process that was taken over: what becomes of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.engine.described import LONGEST_NAME, MOST_NOTES, data_of, files_of, model_of
from core.errors import InputError, UnsafeUpload, UnsupportedModel
from core.sandbox.answers import figures
from core.serde import to_plain
from tests.factories import model

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


def said(**changes: Any) -> dict[str, Any]:
    return {"model": {**to_plain(model("onnx")), **changes}, "files": ["model.onnx"]}


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


@pytest.mark.parametrize("files", [None, [], ["a\nb"], [1, {}], [f"{i}" for i in range(20_000)]])
def test_names_of_files_are_few_and_plain(files: Any) -> None:
    with pytest.raises(UnsafeUpload):
        files_of({"files": files})
    assert files_of({"files": ["a", "b", "a"]}) == ["a", "b"]


@pytest.mark.parametrize("answer", [{"ms": "fast"}, {"ms": [1.0, "x"]}, {"ms": [float("nan")]}, {"x": {}}])
def test_figures_are_finite_numbers(answer: dict[str, Any]) -> None:
    with pytest.raises(UnsafeUpload):
        figures(answer)
    assert figures({"ms": [1.0, 2], "bytes": 3}) == {"ms": [1.0, 2], "bytes": 3}
