from __future__ import annotations

from pages.figures import Series, throughput_figure
from pages.figures.theme import LIGHT


def test_batches_are_in_order_and_throughput_starts_at_zero() -> None:
    rows, spec = throughput_figure([Series("a", {8: 800.0, 1: 120.0, 32: 900.0})], LIGHT)
    assert [(row["batch"], row["rate"]) for row in rows] == [(1, 120.0), (8, 800.0), (32, 900.0)]
    y = spec["layer"][0]["encoding"]["y"]
    assert y.get("scale", {}).get("zero", True)
    assert "(samples/s)" in y["axis"]["title"]


def test_the_baseline_differs_by_more_than_colour() -> None:
    _, spec = throughput_figure([Series("mine", {1: 1.0}), Series("yours", {1: 2.0}, baseline=True)], LIGHT)
    line, points = (layer["encoding"] for layer in spec["layer"])
    assert line["strokeDash"]["scale"]["domain"] == ["mine", "yours"]
    mine, yours = line["strokeDash"]["scale"]["range"]
    assert mine != yours
    mine, yours = points["shape"]["scale"]["range"]
    assert mine != yours
