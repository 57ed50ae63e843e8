"""The same ways to choose ranges for NNCF, which knows of histograms but has one way to read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.passes.quantization.ranges.clipping import METHODS
from core.passes.quantization.ranges.histogram import Histogram

BY_HISTOGRAM = ("entropy", "mse")


@contextmanager
def histograms_read(method: str) -> Iterator[None]:
    """Let NNCF's histogram estimator choose ranges by `method`, one of `BY_HISTOGRAM`, meanwhile.

    It has no setting for that, so its aggregator is exchanged; a test holds the outcome against `METHODS`.
    """
    from nncf.quantization.algorithms.min_max import algorithm

    before = algorithm.HistogramAggregator
    algorithm.HistogramAggregator = lambda num_samples: _aggregator(method, num_samples)
    try:
        yield
    finally:
        algorithm.HistogramAggregator = before


def _aggregator(method: str, num_samples: int | None) -> Any:
    from nncf.common.tensor_statistics.collectors import AggregatorBase
    from nncf.common.tensor_statistics.statistics import MinMaxTensorStatistic
    from nncf.tensor import Tensor, TensorDataType
    from nncf.tensor import functions as fns

    class Chosen(AggregatorBase):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(num_samples=num_samples)
            self._histogram = Histogram()

        def _register_reduced_input_impl(self, x: Tensor) -> None:
            self._histogram.add(x.data)
            self._like = x

        def _aggregate_impl(self) -> dict[str, Tensor]:
            backend, device, dtype = self._like.backend, self._like.device, TensorDataType.float32
            low, high = (
                fns.tensor(end, backend=backend, device=device, dtype=dtype)
                for end in METHODS[method](self._histogram)
            )
            return {MinMaxTensorStatistic.MIN_STAT: low, MinMaxTensorStatistic.MAX_STAT: high}

        def __hash__(self) -> int:  # equal ones on a tensor are merged
            return hash((method, num_samples))

    return Chosen()
