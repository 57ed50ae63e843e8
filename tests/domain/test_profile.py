"""Figures that follow from the layers of a profile, and what a roofline says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.profile import LayerKind, LayerProfile, Profile
from core.domain.roofline import Ceiling, Roofline
from core.serde import from_json, to_json
from tests.factories import ENVIRONMENT

CONV = LayerProfile(
    "conv", "Convolution", 2.0, 0.5, "INT8", macs=8_000_000, bytes=1_000_000, nodes=("conv", "relu", "add")
)
CAST = LayerProfile("cast", "Convert", 0.25, 0.0625, "FP32", LayerKind.QUANTIZE, inputs=("conv",))
BACK = LayerProfile("back", "Quantize", 0.25, 0.0625, "INT8", LayerKind.QUANTIZE, inputs=("norm",))
NORM = LayerProfile("norm", "MVN", 0.5, 0.125, "FP32", macs=0, bytes=None, inputs=("cast",))
HEAD = LayerProfile("head", "MatMul", 0.5, 0.125, "INT8", macs=1_000_000, bytes=500_000, inputs=("back",))
PROFILE = Profile("openvino", (CONV, CAST, NORM, BACK, HEAD), 4.0, 4.4, 1, 1, 30, ENVIRONMENT)


def test_what_no_layer_took_is_overhead() -> None:
    assert PROFILE.sum_ms == pytest.approx(3.5)
    assert PROFILE.overhead_ms == pytest.approx(0.5)
    assert PROFILE.overhead_share == pytest.approx(0.125)
    assert PROFILE.slowdown == pytest.approx(1.1)


def test_a_layer_s_rates_follow_from_its_work_and_time() -> None:
    assert CONV.rate == pytest.approx(4.0)  # GMAC/s
    assert CONV.bandwidth == pytest.approx(0.5)  # GB/s
    assert CONV.intensity == pytest.approx(8.0)
    assert NORM.rate is None
    assert NORM.intensity is None


def test_fusions_conversions_and_borders_of_precision_are_counted() -> None:
    assert PROFILE.fusions == 2
    assert PROFILE.quantize_pairs == 1
    assert PROFILE.transitions == 2  # into the float layer and out of it, through the casts
    assert PROFILE.by_precision() == {"INT8": 2.5, "FP32": 0.5}


def test_without_edges_the_layer_that_ran_before_stands_for_the_source() -> None:
    layers = tuple(replace(layer, inputs=()) for layer in PROFILE.layers)
    assert replace(PROFILE, layers=layers).transitions == 2


def test_a_total_is_unknown_where_a_part_is() -> None:
    assert PROFILE.macs is None
    assert replace(PROFILE, layers=(CONV, HEAD)).macs == 9_000_000
    assert PROFILE.bytes is None


def test_a_profile_is_read_back_as_it_was_written() -> None:
    assert from_json(to_json(PROFILE), Profile) == PROFILE


ROOF = Roofline(
    1,
    {"FP32": Ceiling(50, 49, 51, "matrix product"), "INT8": Ceiling(200, 190, 205, "matrix product")},
    {"L2": Ceiling(100, 99, 101, "read"), "DRAM": Ceiling(10, 9, 11, "read")},
    ENVIRONMENT,
    {"L2": 1_000_000},
)


def test_the_lower_roof_bounds() -> None:
    assert ROOF.level(900_000) == "L2"
    assert ROOF.level(2_000_000) == "DRAM"
    assert ROOF.attainable(1.0, "INT8", "DRAM") == pytest.approx(10.0)
    assert ROOF.attainable(100.0, "INT8", "DRAM") == pytest.approx(200.0)
    assert ROOF.ridge("FP32", "DRAM") == pytest.approx(5.0)
    assert ROOF.attainable(1.0, "BF16", "DRAM") is None
