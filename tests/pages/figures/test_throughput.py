from __future__ import annotations

from pages.figures import Series, throughput_figure
from pages.figures.theme import LIGHT


def test_batches_are_in_order_and_throughput_starts_at_zero() -> None:
    drawn = throughput_figure([Series("a", {8: 800.0, 1: 120.0, 32: 900.0})], LIGHT)
    assert list(drawn.data[0].x) == ["1", "8", "32"]
    assert list(drawn.data[0].y) == [120.0, 800.0, 900.0]
    assert drawn.layout.yaxis.rangemode == "tozero"


def test_the_baseline_differs_by_more_than_colour() -> None:
    drawn = throughput_figure([Series("mine", {1: 1.0}), Series("yours", {1: 2.0}, baseline=True)], LIGHT)
    mine, yours = drawn.data
    assert (mine.line.dash, mine.marker.symbol) != (yours.line.dash, yours.marker.symbol)
    assert "(samples/s)" in drawn.layout.yaxis.title.text
