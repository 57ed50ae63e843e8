from __future__ import annotations

from core.domain.sweep import Setting
from pages.figures import (
    Calibration,
    Sample,
    beyond,
    confusion_figure,
    distribution_figure,
    errors_figure,
    reliability_figure,
    series_figure,
    sweep_figure,
)
from pages.figures.theme import DARK, LIGHT


def test_the_heat_map_is_the_share_of_each_label() -> None:
    figure = confusion_figure({(0, 0): 3, (0, 1): 1, (1, 1): 2}, ["cat", "dog"], LIGHT)
    assert [list(row) for row in figure.data[0].z] == [[75.0, 25.0], [0.0, 100.0]]
    assert figure.data[0].hovertext[0][1] == "Label cat, answer dog"


def test_empty_bins_are_not_drawn() -> None:
    figure = reliability_figure([Calibration("a", (0.1, 0.0, 0.9), (0.2, 0.0, 0.8), (4, 0, 16))], DARK)
    assert list(figure.data[1].x) == [10.0, 90.0]
    assert list(figure.data[1].y) == [20.0, 80.0]


def test_errors_of_both_stand_at_the_middle_of_their_bins() -> None:
    figure = errors_figure((-1.0, 0.0, 1.0), (3, 4), (1, 6), "a", LIGHT)
    assert list(figure.data[0].x) == list(figure.data[1].x) == [-0.5, 0.5]


def test_disturbed_calls_are_marked_and_slow_ones_stand_at_the_top() -> None:
    figure = series_figure((1.0, 1.1, 9.0), (0.0, 0.2, 0.0), (0, 2), 1.0, LIGHT)
    calm, hit = figure.data
    assert list(calm.y) == [1.0, 3.0]
    assert list(calm.marker.symbol) == ["circle", "triangle-up"]
    assert list(hit.x) == [2]
    assert [shape.x0 for shape in figure.layout.shapes][1:] == [2.5]


def test_a_single_slow_call_does_not_stretch_the_histogram() -> None:
    samples = [Sample("a", (*[1.0] * 99, 50.0))]
    figure = distribution_figure(samples, {"median": 1.0}, LIGHT)
    assert figure.layout.xaxis.range[1] < 2
    assert beyond(samples, {"median": 1.0}) == 1


def test_each_number_of_threads_is_a_line_and_the_best_is_ringed() -> None:
    settings = (Setting(1, 1, 1.0, None, 1000, 5), Setting(8, 1, 4.0, None, 2000, 5))
    figure = sweep_figure(settings, settings[1], 5.0, LIGHT)
    assert [trace.name for trace in figure.data] == ["1 thread", "best"]
    assert list(figure.data[0].text) == ["1", "8"]
