"""SmoothQuant (Xiao et al., ICML 2023), where it brings a quantized transformer closer to FP32.

It moves outliers of activations into the weights. Language models need that; of vision transformers without
outliers it takes 1 to 24 dB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np

from core.metrics.sqnr import signal_to_noise_db
from core.protocols import Array, Feed

OFF = -1.0
HALF = 0.5
"""The paper's own share of an activation's range; NNCF's 0.95 leaves vision transformers 5 to 8 dB behind."""

GOOD_DB = 25.0
"""SQNR in decibel from which smoothing is not worth a second quantization: some 5 % of noise."""

COMPARED = 4
"""Calibration samples to compare on."""


def closest(model: Any, feeds: Iterable[Feed], quantize: Callable[[float], Any]) -> Any:
    """Return the model quantized without smoothing if that is good, else the closer one of without and with.

    Args:
        model: The OpenVINO model in float.
        feeds: Calibration data.
        quantize: Quantizes with a share of smoothing, or `OFF`.
    """
    plain = quantize(OFF)
    expected = _answers(model, feeds)
    noise = signal_to_noise_db(expected, _answers(plain, feeds))
    if noise >= GOOD_DB:
        return plain
    smoothed = quantize(HALF)
    return smoothed if signal_to_noise_db(expected, _answers(smoothed, feeds)) > noise else plain


def _answers(model: Any, feeds: Iterable[Feed]) -> list[Array]:
    import openvino as ov

    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [port.get_any_name() for port in compiled.inputs]
    found = []
    for feed in islice(feeds, COMPARED):
        answer = compiled({name: feed[name] for name in names})
        found += [np.array(answer[port]) for port in compiled.outputs]
    return found
