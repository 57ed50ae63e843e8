"""The verdict on processors without VNNI."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from core.passes.quantization.int8_findings import int8_findings
from tests.passes.conftest import Sample, apply


def result(*isa: str) -> SimpleNamespace:
    """Return a result as findings see it: as fast as before, on a processor with these instructions."""
    timing = SimpleNamespace(
        environment=SimpleNamespace(isa=isa),
        speedup=SimpleNamespace(value=1.0),
        latency=SimpleNamespace(p50=1.0),
    )
    return SimpleNamespace(timing=timing)


@pytest.mark.parametrize("pass_id", ["int8_static_ort", "int8_static_nncf"])
def test_reduced_range_is_portable_and_the_full_one_is_judged(
    pass_id: str, resnet: Sample, tmp_path: Path
) -> None:
    full = apply(pass_id, resnet, "onnx", tmp_path / "full", portability=True).details
    half = apply(pass_id, resnet, "onnx", tmp_path / "half", portability=True, reduce_range=True).details
    assert 0 < full["without_vnni"]["layers"] <= full["without_vnni"]["of"] <= full["quantized"]
    assert full["without_vnni"]["error_percent"] > 0
    assert half["without_vnni"]["layers"] == 0
    assert half["without_vnni"]["of"] >= full["quantized"] // 2
    told = [each.message for each in int8_findings(full, result("avx512_vnni"))]  # type: ignore[arg-type]
    assert any("would lose" in each and "16-bit sums" in each for each in told)
    counted = {"without_vnni": {"layers": 2, "of": 3}}
    told = [each.message for each in int8_findings(counted, result("avx512_vnni"))]  # type: ignore[arg-type]
    assert any("saturate in 2 of 3 layers." in each and "its portability check" in each for each in told)
    told = [each.message for each in int8_findings(half, result("avx512_vnni"))]  # type: ignore[arg-type]
    assert any("Portable" in each for each in told)
    told = [each.message for each in int8_findings(half, result("avx2"))]  # type: ignore[arg-type]
    assert not any("Portable" in each for each in told)  # there the figures themselves tell
