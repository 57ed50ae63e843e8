"""Conversions of number formats and layouts."""

from __future__ import annotations

from tests.insights.findings.planted import LayerKind, case, found, ids, layer, profile


def test_conversions_at_borders_come_first_with_their_time() -> None:
    layers = profile(
        layer("a", 2.0),
        layer("dq", 1.0, "", kind=LayerKind.QUANTIZE),
        layer("b", 1.0, "FP32"),
        layer("q", 1.0, "", kind=LayerKind.QUANTIZE),
    )
    first, *_ = found(case(layers))
    assert first.id == "conversions"
    assert "2 conversions between number formats take 40% of the call" in first.seen
    assert str(first.stake) == "2 ms"


def test_reorders_of_layouts_come_first_with_their_time() -> None:
    layers = profile(layer("a", 2.0), layer("r", 0.5, kind=LayerKind.REORDER))
    first, *_ = found(case(layers))
    assert first.id == "reorders"
    assert str(first.figure) == "20 %"


def test_converting_inputs_and_outputs_is_no_finding() -> None:
    layers = profile(layer("a", 4.9), layer("q", 0.1, kind=LayerKind.QUANTIZE))
    assert "conversions" not in ids(case(layers))
