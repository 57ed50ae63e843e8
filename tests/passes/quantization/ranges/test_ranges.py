from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from core.passes.quantization.ranges.clipping import LEVELS, METHODS, Range, least_squares, percentile
from core.passes.quantization.ranges.histogram import BINS, Histogram
from core.protocols import Array

RNG = np.random.default_rng(0)
OUTLIERS = np.concatenate([RNG.normal(size=50_000), [40.0]]).astype(np.float32)
RELU = np.maximum(RNG.normal(size=50_000), 0).astype(np.float32)


def of(*parts: Array) -> Histogram:
    made = Histogram()
    for part in parts:
        made.add(part)
    return made


def quantized(values: Array, ends: Range) -> Array:
    low, high = ends
    step = (high - low) / (LEVELS - 1)
    found: Array = np.round((np.clip(values, low, high) - low) / step) * step + low
    return found


@pytest.mark.parametrize("growing", [False, True])
def test_parts_give_the_histogram_of_the_whole(growing: bool) -> None:
    values = np.sort(OUTLIERS) if growing else OUTLIERS
    many, one = of(*np.array_split(values, 37)), of(values)
    assert (many.low, many.high) == (float(values.min()), 40.0)
    assert len(many.counts) <= BINS
    np.testing.assert_array_equal(many.edges, one.edges)
    np.testing.assert_array_equal(many.counts, one.counts)
    np.testing.assert_array_equal(one.counts, np.histogram(values, one.edges)[0])


def test_zeros_and_what_is_no_number_are_not_counted() -> None:
    made = of(np.zeros(5, np.float32), np.array([np.nan, np.inf, 0.0, 2.0, -1.0], np.float32))
    assert (made.low, made.high, made.counts.sum()) == (-1.0, 2.0, 2)
    again = Histogram.of(made.array())
    np.testing.assert_array_equal(again.edges, made.edges)
    np.testing.assert_array_equal(again.counts, made.counts)
    for method in METHODS.values():
        assert method(of(np.zeros(3, np.float32))) == (0.0, 0.0)
        assert method(of(np.zeros(0, np.float32))) == (0.0, 0.0)


@pytest.mark.parametrize(("method", "most"), {"entropy": 12, "mse": 39, "percentile": 40}.items())
def test_an_outlier_is_clipped_and_a_uniform_range_kept(method: str, most: float) -> None:
    """One in 50,000 is still among the share of percentiles that is kept."""
    low, high = METHODS[method](of(OUTLIERS))
    assert low >= OUTLIERS.min()
    assert high <= most
    even = np.linspace(-1, 3, 40_001, dtype=np.float32)
    low, high = METHODS[method](of(even))
    assert low == pytest.approx(-1, abs=0.02)
    assert high == pytest.approx(3, abs=0.02)


@pytest.mark.parametrize("values", [OUTLIERS, RELU, -RELU, OUTLIERS - 3], ids=["two", "relu", "minus", "off"])
def test_squared_error_is_near_the_least_of_all_ranges(values: Array) -> None:
    def error(ends: Range) -> float:
        return float(np.square(quantized(values, ends) - values).mean())

    def others() -> Iterator[float]:
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        for one in np.linspace(0.02, 1, 40):
            for other in np.linspace(0.02, 1, 40):
                yield error((one * low, other * high))

    assert error(least_squares(of(values))) <= 1.1 * min(others())


def test_percentiles_are_those_of_the_values() -> None:
    values = RNG.exponential(size=2_000_000).astype(np.float32)
    low, high = percentile(of(values))
    assert high == pytest.approx(np.quantile(values, 1 - 5e-6), rel=0.02)
    assert 0 < low < 0.02
