"""Estimates: they grow with the work, and a shared prefix counts once."""

from __future__ import annotations

from core.search.estimate import estimate_s
from core.search.spelling import parse
from tests.factories import model


def test_a_shared_prefix_counts_once() -> None:
    one, other = parse("export_onnx@onnxruntime"), parse("export_onnx@openvino")
    both = estimate_s([one, other], model())
    assert both < estimate_s([one], model()) + estimate_s([other], model())
    assert both > max(estimate_s([one], model()), estimate_s([other], model()))


def test_a_larger_model_takes_longer() -> None:
    recipe = parse("export_onnx+int8_static_ort@onnxruntime")
    assert estimate_s([recipe], model(macs=4 * 10**9)) > 2 * estimate_s([recipe], model(macs=10**7))
