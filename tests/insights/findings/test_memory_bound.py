"""Layers that wait for memory."""

from __future__ import annotations

from core.search.spelling import spell
from tests.insights.findings.planted import ROOFLINE, case, found, ids, layer, profile

BIG = 40_000_000


def test_a_product_of_one_row_waits_for_its_weights() -> None:
    head = layer("head", 4.5, "FP32", macs=BIG // 4, bytes=BIG)  # 8.9 of 10 GB/s, 0.25 MACs a byte
    layers = profile(head, layer("conv", 0.5, "FP32", macs=BIG, bytes=1000), roofline=ROOFLINE)
    first, *_ = found(case(layers, steps=()))
    assert first.id == "memory_bound"
    assert "1 layer waits for memory for 90% of the call, head the longest" in first.seen
    assert first.recipe is not None
    assert "int8" in spell(first.recipe)


def test_what_computes_much_or_moves_slowly_does_not_wait() -> None:
    busy = layer("conv", 5.0, "FP32", macs=200 * BIG, bytes=BIG)
    slow = layer("gather", 5.0, "FP32", macs=0, bytes=BIG // 100)
    for each in (busy, slow):
        assert "memory_bound" not in ids(case(profile(each, roofline=ROOFLINE), steps=()))
    assert "memory_bound" not in ids(case(profile(busy), steps=()))  # no roofline, no verdict
