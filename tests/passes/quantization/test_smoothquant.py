from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from core.metrics.sqnr import signal_to_noise_db
from core.passes.quantization.smoothquant import HALF, OFF, closest
from core.protocols import Feed

FEEDS: list[Feed] = [{"x": np.full((1, 4), size, np.float32)} for size in (1.0, 2.0)]


def _scaled(factor: float) -> Any:
    x = ops.parameter([1, 4], np.float32, name="x")
    x.output(0).tensor.set_names({"x"})
    return ov.Model([ops.multiply(x, np.float32(factor))], [x], "scaled")


@pytest.mark.parametrize(
    ("plain", "smoothed", "asked", "taken"),
    [
        (1.01, 1.0, [OFF], 1.01),  # 40 dB are good enough
        (1.3, 1.1, [OFF, HALF], 1.1),
        (1.3, 1.6, [OFF, HALF], 1.3),
    ],
)
def test_smoothing_is_tried_where_needed_and_kept_where_closer(
    plain: float, smoothed: float, asked: list[float], taken: float
) -> None:
    made = {OFF: _scaled(plain), HALF: _scaled(smoothed)}
    calls: list[float] = []

    def quantize(share: float) -> Any:
        calls.append(share)
        return made[share]

    chosen = closest(_scaled(1.0), FEEDS, quantize)
    assert calls == asked
    assert chosen is made[OFF if taken == plain else HALF]


def test_the_noise_counts_floats_of_one_shape_only() -> None:
    one, off = np.ones(4, np.float32), np.full(4, 1.1, np.float32)
    assert signal_to_noise_db([one], [off]) == pytest.approx(20, abs=1e-4)
    assert signal_to_noise_db([one, np.arange(3)], [off, np.zeros(3, np.int64)]) == pytest.approx(
        20, abs=1e-4
    )
    assert signal_to_noise_db([one], [np.ones(5, np.float32)]) == -float("inf")
    assert signal_to_noise_db([one], [one]) == float("inf")
