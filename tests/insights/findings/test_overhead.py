"""Time outside of kernels."""

from __future__ import annotations

from dataclasses import replace

from tests.insights.findings.planted import case, found, ids, layer, profile


def test_a_tiny_model_is_eaten_by_overhead() -> None:
    layers = profile(*(layer(f"l{at}", 0.01) for at in range(6)), latency_ms=0.2)
    first, *_ = found(case(layers))
    assert first.id == "overhead"
    assert "70% of a call of 0.2 ms is spent outside of kernels" in first.seen


def test_a_profiler_that_slows_the_calls_down_tells_nothing_of_it() -> None:
    layers = profile(layer("a", 0.05), latency_ms=0.2)
    assert "overhead" not in ids(case(replace(layers, profiled_ms=0.5)))
    assert "overhead" not in ids(case(profile(layer("a", 4.5), latency_ms=5.0)))
