"""Shapes that are worked out in every call."""

from __future__ import annotations

from core.domain.model import TensorSpec
from tests.factories import model
from tests.insights.findings.planted import case, found, ids, layer, profile

FREE = model(inputs=(TensorSpec("input", "float32", ("batch", 3, "height", "width")),))
LAYERS = profile(
    layer("a", 1.0),
    layer("shape", 0.4, operator="Shape"),
    layer("size", 0.4, operator="aten::size"),
    latency_ms=2.0,
)


def test_open_sizes_that_are_worked_out_in_every_call_come_first() -> None:
    first, *_ = found(case(LAYERS, model=FREE))
    assert first.id == "dynamic_shapes"
    assert "by 2 layers" in first.seen
    assert "height, width" in first.why


def test_an_open_batch_alone_blocks_nothing() -> None:
    assert "dynamic_shapes" not in ids(case(LAYERS, model=model()))
    assert "dynamic_shapes" not in ids(case(profile(layer("a", 1.0)), model=FREE))
