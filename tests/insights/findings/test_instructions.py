"""Instructions that the processor lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.recipe import Step
from core.domain.run import Result
from tests.factories import result
from tests.insights.findings.planted import ROOFLINE, case, found, ids, layer, profile


def on(*isa: str) -> Result:
    figures = result(drop=(0.0, -0.1, 0.1))
    environment = replace(figures.timing.environment, isa=isa)
    return replace(figures, timing=replace(figures.timing, environment=environment))


FLOAT = profile(layer("a", 4.0, "FP32", macs=1000), layer("relu", 1.0, "FP32", macs=0))
"""Of 5 ms, 4 are products in float."""
FULL = profile(layer("a", 5.0, "INT8", macs=800_000_000, bytes=100_000), roofline=ROOFLINE)
"""160 GMAC/s, which is what vectors of this machine do in INT8."""
PLAIN = (Step("optimize_onnx"),)


def test_without_bf16_layers_in_float_say_what_is_missing() -> None:
    (told,) = (
        each
        for each in found(case(FLOAT, on("avx2", "avx512f", "avx512_vnni"), PLAIN))
        if each.id == "no_bf16_instructions"
    )
    assert "layers in FP32 take 80% of the call" in told.seen
    assert told.stake is not None
    assert told.stake.value == pytest.approx(2.0)
    assert "no_bf16_instructions" not in ids(case(FLOAT, on("avx512f", "avx512_bf16"), PLAIN))
    assert "no_bf16_instructions" not in ids(case(FULL, on("avx2", "avx512f", "avx512_vnni")))


def test_layers_at_the_roof_of_vectors_say_what_a_matrix_unit_would_do() -> None:
    here = on("avx2", "avx512f", "avx512_vnni", "avx512_bf16")
    (told,) = (each for each in found(case(FULL, here)) if each.id == "no_matrix_unit_int8")
    assert "8 times as many products of INT8" in told.why
    assert told.stake is not None
    assert told.stake.value == pytest.approx(5 * 7 / 8)
    assert "no_matrix_unit_int8" not in ids(case(FULL, on("avx512f", "avx512_vnni", "amx_int8")))
    slow = profile(layer("a", 50.0, "INT8", macs=800_000_000, bytes=100_000), roofline=ROOFLINE)
    assert "no_matrix_unit_int8" not in ids(case(slow, here))
    assert "no_matrix_unit_int8" not in ids(case(FULL, on("asimd", "asimddp")))
