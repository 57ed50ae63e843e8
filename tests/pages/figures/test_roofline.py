"""Roofline and bars of layers, out of plain values."""

from __future__ import annotations

import pytest

from pages.figures import palette
from pages.figures.layer_times import LayerBar, layer_times_figure
from pages.figures.roofline import RoofPoint, roofline_figure

POINTS = [
    RoofPoint("conv1", 50.0, 80.0, "FP32", 0.5, "conv1"),
    RoofPoint("conv2", 90.0, 300.0, "INT8", 0.1, "conv2"),
]
COMPUTE, BANDWIDTH = {"FP32": 100.0, "INT8": 400.0}, {"L2": 100.0, "DRAM": 20.0}


def test_each_roof_is_a_line_and_each_precision_has_its_colour_and_shape() -> None:
    figure = roofline_figure(POINTS, COMPUTE, BANDWIDTH, palette(dark=False), used="L2")
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len(lines) == 4
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert len({trace.marker.symbol for trace in marks}) == len({trace.marker.color for trace in marks}) == 2
    slanted = lines[0]
    assert slanted.y[0] / slanted.x[0] == pytest.approx(100.0)  # GB/s
    assert max(slanted.y) <= 400.0


def test_the_roofs_are_drawn_without_layers_too() -> None:
    figure = roofline_figure((), COMPUTE, BANDWIDTH, palette(dark=True))
    assert len(figure.data) == 4
    assert not figure.layout.showlegend


def test_bars_of_cut_names_stay_apart_and_say_how_much_faster_they_are() -> None:
    long = "a/very/long/path/of/modules/that/nobody/reads/conv"
    bars = [LayerBar(f"1{long}", 2.0, "INT8", 5.0), LayerBar(f"2{long}", 1.0, "FP32")]
    figure = layer_times_figure(bars, palette(dark=False), unit="µs")
    first, second = figure.data
    assert first.y[0] != second.y[0]
    assert (first.text[0], second.text[0]) == ("2.5×", "")
    assert "5 µs in the baseline" in first.customdata[0]
    assert figure.layout.xaxis.title.text == "Time of a call (µs)"
