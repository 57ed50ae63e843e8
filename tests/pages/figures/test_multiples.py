"""One figure of every candidate, row by row."""

from __future__ import annotations

import plotly.graph_objects as go
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


def drawn(panel: Panel | None = None, **options: str) -> go.Figure:
    panel = panel or Panel("Latency (ms)", (0.0, 10.0), baseline=8.0, limit=4.0)
    return panel_figure(MARKS, panel, LIGHT, color=LIGHT.accuracy, **options)


def trace(figure: go.Figure, meta: str) -> go.Scatter:
    return next(each for each in figure.data if each.meta == meta)


def test_every_candidate_has_its_row_measured_or_not() -> None:
    figure = drawn()
    assert list(trace(figure, "names").text) == [mark.name for mark in MARKS]
    assert list(trace(figure, "targets").y) == [0, 1, 2, 3]
    low, high = figure.layout.yaxis.range
    assert low > high, "the first row is on top"
    words = figure.layout.yaxis.ticktext
    assert words[:2] == ("8.00", "1.50")
    assert "Building" in words[2]
    assert "Failed" in words[3]


def test_a_dot_lies_in_its_row_with_its_interval() -> None:
    dot = trace(drawn(), "front")
    assert list(dot.x) == [1.5]
    assert 0.5 < dot.y[0] < 1.5
    assert dot.error_x.array[0] == pytest.approx(0.2)
    assert dot.error_x.arrayminus[0] == pytest.approx(0.1)


def test_the_baseline_is_a_line_through_all_rows_and_a_limit_shades_what_lies_beyond() -> None:
    figure = drawn()
    assert {x for x in trace(figure, "baseline").x if x is not None} == {8.0}
    assert {round(y) for y in trace(figure, "baseline").y if y is not None} == {0, 1, 2, 3}
    (shade,) = figure.layout.shapes
    assert (shade.x0, shade.x1) == (4.0, 10.0)


def test_a_least_quality_shades_what_is_below() -> None:
    (shade,) = drawn(Panel("Accuracy (%)", (90.0, 100.0), 99.0, 98.0, least=True)).layout.shapes
    assert (shade.x0, shade.x1) == (90.0, 98.0)


def test_a_limit_beyond_the_axis_shades_nothing() -> None:
    assert not drawn(Panel("Latency (ms)", (0.0, 10.0), 8.0, 40.0)).layout.shapes


def test_what_is_selected_and_recommended_is_marked() -> None:
    figure = drawn(selected="w", recommended="f")
    band = figure.layout.shapes[-1]
    assert (band.y0, band.y1) == (1.5, 2.5)
    assert trace(figure, "names").text[1].startswith("★")


def test_before_anything_is_measured_there_is_no_scale() -> None:
    figure = panel_figure(MARKS[2:], Panel("Latency (ms)", None), DARK, color=DARK.accuracy)
    assert figure.layout.xaxis.showticklabels is False


def test_long_names_keep_their_runtime() -> None:
    name = "INT8 static, NNCF (full bias correction, per channel) + BF16 · OpenVINO"
    figure = panel_figure([Mark("a", name, None, "Waiting")], Panel("x", None), LIGHT, color="black")
    (shown,) = trace(figure, "names").text
    assert len(shown) <= 43
    assert shown.startswith("INT8 static, NNCF (full")
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
