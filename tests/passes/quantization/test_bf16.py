from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.measurement import Environment
from core.errors import PassFailed, PassNotApplicable
from core.passes.quantization.bf16 import PASS
from tests.passes.conftest import Sample, apply

OLD = Environment("Old CPU", ("avx2",), 2, 2**33, "", "Linux", "3.11")


def test_a_processor_without_the_instructions_is_named(resnet: Sample) -> None:
    with pytest.raises(PassNotApplicable, match="Old CPU"):
        PASS.requires(resnet.model, OLD, PASS.Params())
    for isa in ("avx512_bf16", "amx_bf16"):
        PASS.requires(resnet.model, replace(OLD, isa=(isa,)), PASS.Params())


def test_after_int8_the_counts_stay_and_the_option_is_set(resnet: Sample, tmp_path: Path) -> None:
    quantized = apply("int8_static_nncf", resnet, "onnx", tmp_path / "int8")
    after = apply("bf16", Sample(resnet.model, {"openvino": quantized}), "openvino", tmp_path / "bf16")
    assert after.options == {"precision": "bf16"}
    assert after.details == quantized.details
    assert [file.read_bytes() for file in after.files] == [file.read_bytes() for file in quantized.files]


def test_a_lost_file_is_noticed(resnet: Sample, tmp_path: Path) -> None:
    built = apply("bf16", resnet, "openvino", tmp_path)
    with pytest.raises(PassFailed):
        PASS.ensures(resnet.artifacts["openvino"], replace(built, files=built.files[:1]), PASS.Params())


def test_pytorch_leaves_other_floats_as_they_are(resnet: Sample, tmp_path: Path) -> None:
    inputs = tuple(replace(spec, dtype="float64") for spec in resnet.model.inputs)
    double = Sample(replace(resnet.model, inputs=inputs), resnet.artifacts)
    with pytest.raises(PassNotApplicable, match="float64"):
        apply("bf16", double, "pt2", tmp_path)
