"""One figure of every candidate, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.measurement import Interval
from pages.figures import Mark, Panel, calls_figure, extended, panel_figure
from pages.figures.theme import DARK, LIGHT

MARKS = [
    Mark("b", "FP32 · PyTorch eager", Interval(8.0, 7.9, 8.2), "8.00", "baseline"),
    Mark("f", "INT8 · OpenVINO", Interval(1.5, 1.4, 1.7), "1.50", "front"),
    Mark("w", "BF16 · OpenVINO", None, "Building"),
    Mark("x", "FP16 · ONNX Runtime", None, "Failed"),
]


Drawn = tuple[list[dict[str, Any]], dict[str, Any]]


def drawn(panel: Panel | None = None, **options: str) -> Drawn:
    panel = panel or Panel("Latency (ms)", (0.0, 10.0), baseline=8.0, limit=4.0)
    return panel_figure(MARKS, panel, LIGHT, color=LIGHT.accuracy, **options)


def of_kind(figure: Drawn, kind: str) -> list[dict[str, Any]]:
    return [row for row in figure[0] if row["kind"] == kind]


def test_every_candidate_has_its_row_measured_or_not() -> None:
    rows = of_kind(drawn(), "mark")
    assert [row["label"] for row in rows] == [mark.name for mark in MARKS]
    assert [row["row"] for row in rows] == [0, 1, 2, 3]
    assert [row["text"] for row in rows] == ["8.00", "1.50", "Building", "Failed"]
    assert [row["x"] for row in rows] == [8.0, 1.5, None, None]


def test_a_dot_has_its_interval_and_its_look() -> None:
    base, fast, *_ = of_kind(drawn(), "mark")
    assert (fast["low"], fast["high"]) == (1.4, 1.7)
    assert (base["shape"], fast["shape"]) == ("diamond", "circle")
    assert base["tone"] != fast["tone"]


def test_the_baseline_is_in_every_row_and_a_limit_shades_what_lies_beyond() -> None:
    figure = drawn()
    assert {row["base"] for row in of_kind(figure, "mark")} == {8.0}
    assert [row["x"] for row in of_kind(figure, "limit")] == [4.0]
    shade = figure[1]["layer"][1]["encoding"]
    assert shade["x2"] == {"value": "width"}


def test_a_least_quality_shades_what_is_below() -> None:
    figure = drawn(Panel("Accuracy (%)", (90.0, 100.0), 99.0, 98.0, least=True))
    assert [row["x"] for row in of_kind(figure, "limit")] == [98.0]
    assert figure[1]["layer"][1]["encoding"]["x2"] == {"value": 0}


def test_a_limit_beyond_the_axis_shades_nothing() -> None:
    assert not of_kind(drawn(Panel("Latency (ms)", (0.0, 10.0), 8.0, 40.0)), "limit")


def test_what_is_selected_and_recommended_is_marked_by_data_alone() -> None:
    plain, figure = drawn(), drawn(selected="w", recommended="f")
    rows = of_kind(figure, "mark")
    assert [row["chosen"] for row in rows] == [False, False, True, False]
    assert rows[1]["label"].startswith("★")
    assert rows[1]["tone"] == LIGHT.accent
    assert figure[1] == plain[1], "another specification would have the browser draw the chart anew"


def test_new_figures_and_a_longer_axis_leave_the_specification() -> None:
    panel = Panel("Latency (ms)", (0.0, 60.0), 8.0, 4.0)
    more = [*MARKS, Mark("z", "INT8 · LiteRT", Interval(50.0, 49.0, 51.0), "50.0", "dominated")]
    assert panel_figure(more, panel, LIGHT, color=LIGHT.accuracy)[1] == drawn()[1]


def test_before_anything_is_measured_there_is_no_scale() -> None:
    _, spec = panel_figure(MARKS[2:], Panel("Latency (ms)", None), DARK, color=DARK.accuracy)
    assert spec["layer"][0]["encoding"]["x"]["axis"]["labels"] is False


def test_long_names_keep_their_runtime() -> None:
    name = "INT8 static, NNCF (full bias correction, per channel) + BF16 · OpenVINO"
    figure = panel_figure([Mark("a", name, None, "Waiting")], Panel("x", None), LIGHT, color="black")
    shown = of_kind(figure, "mark")[0]["label"]
    assert len(shown) <= 36
    assert shown.startswith("INT8 static, NNC")
    assert shown.endswith("… + BF16 · OpenVINO")


def test_an_axis_extends_by_whole_steps_and_keeps_what_it_showed() -> None:
    before = (0.0, 0.0)
    for value in (3.0, 3.1, 7.9, 8.0, 9.5, 60.0):
        span = extended((0.0, value))
        assert span[0] == 0
        assert span[1] >= max(value, before[1])
        before = span
    assert extended((0.0, 3.0)) == extended((0.0, 3.05))


def test_percents_stay_between_nothing_and_all() -> None:
    assert extended((97.0, 100.0), (0.0, 100.0))[1] == 100
    assert extended((-20.0, 99.0), (0.0, 100.0))[0] == 0


def test_calls_are_drawn_over_their_number_with_the_median() -> None:
    rows, spec = calls_figure([2.0, 2.2, 90.0, 2.1], 400, LIGHT)
    assert [row["call"] for row in rows] == [1, 101, 201, 301]
    assert rows[0]["median"] == pytest.approx(2.15)
    top = spec["layer"][0]["encoding"]["y"]["scale"]["domain"][1]
    assert 2.2 < top < 10, "one interrupted call does not press the others flat"


def test_more_calls_leave_the_specification_until_an_axis_is_full() -> None:
    assert calls_figure([2.0] * 61, 61, LIGHT)[1] == calls_figure([2.01] * 68, 68, LIGHT)[1]
