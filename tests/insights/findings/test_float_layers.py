"""Layers left in float."""

from __future__ import annotations

import pytest

from core.domain.recipe import Artifact, Step
from core.search.spelling import spell
from tests.insights.findings.planted import INT8, ROOFLINE, case, found, ids, layer, profile


def test_layers_left_in_float_come_first_with_what_lowering_them_would_save() -> None:
    layers = profile(layer("a", 2.0), layer("head", 3.0, "FP32", macs=1000), roofline=ROOFLINE)
    first, *_ = found(case(layers))
    assert first.id == "float_layers"
    assert "1 layer with products still runs in FP32 and takes 60% of the call: head" in first.seen
    assert first.stake is not None
    assert first.stake.value == pytest.approx(3.0 * (1 - 40 / 160))
    assert first.recipe is not None
    assert spell(first.recipe) == "int8_static_ort+bf16@openvino"


def test_a_little_time_and_layers_without_products_are_no_finding() -> None:
    assert "float_layers" not in ids(case(profile(layer("a", 9.8), layer("b", 0.2, "FP32", macs=9))))
    assert "float_layers" not in ids(case(profile(layer("a", 5.0), layer("relu", 5.0, "FP32", macs=0))))


def test_what_lowers_no_precision_left_nothing() -> None:
    layers = profile(layer("a", 5.0, "FP32", macs=1000))
    assert "float_layers" not in ids(case(layers, steps=(Step("optimize_onnx"),)))


def test_without_a_profile_the_nodes_are_counted() -> None:
    chain = (Artifact("a", "m", INT8[0], "onnx", (), details={"quantized": 18, "float": 2}),)
    first, *_ = found(case(chain=chain))
    assert first.seen == "2 of 20 compute nodes stayed in float."
    assert first.figure is not None
    assert first.figure.value == 10
    assert "float_layers" not in ids(case(chain=chain, steps=(*INT8, Step("bf16"))))
    whole = (Artifact("a", "m", INT8[0], "onnx", (), details={"quantized": 20, "float": 0}),)
    assert "float_layers" not in ids(case(chain=whole))
