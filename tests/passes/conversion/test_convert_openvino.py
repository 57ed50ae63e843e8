from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import PassFailed
from core.passes.checks import distance
from core.passes.conversion.convert_openvino import PASS
from tests.passes.conftest import Sample, answer, apply


@pytest.mark.parametrize("name", ["opset7", "channels_last", "branch", "loop"])
def test_outputs_are_the_same(name: str, graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs[name]
    built = apply("convert_openvino", sample, "onnx", tmp_path)
    assert distance(answer(sample.artifacts["onnx"], sample.model, 4), answer(built, sample.model, 4)) < 1e-4


def test_names_are_the_models(networks: dict[str, Sample], tmp_path: Path) -> None:
    import openvino as ov

    built = apply("convert_openvino", networks["bert"], "onnx", tmp_path)
    model = ov.Core().read_model(str(built.path))
    assert [port.get_any_name() for port in model.inputs] == ["ids", "mask"]


def test_weights_are_halved_on_demand(resnet: Sample, tmp_path: Path) -> None:
    wide, half = (
        apply("convert_openvino", resnet, "onnx", tmp_path / str(kind), compress_to_fp16=kind)
        .files[1]
        .stat()
        .st_size
        for kind in (False, True)
    )
    assert half < 0.55 * wide


def test_quantized_graphs_keep_their_counts(resnet: Sample, tmp_path: Path) -> None:
    quantized = apply("int8_static_ort", resnet, "onnx", tmp_path / "int8")
    built = apply("convert_openvino", Sample(resnet.model, {"onnx": quantized}), "onnx", tmp_path / "ir")
    assert built.details["float"] == 0


def test_other_outputs_are_refused(resnet: Sample, tmp_path: Path) -> None:
    built = apply("convert_openvino", resnet, "onnx", tmp_path)
    wrong = replace(built, details=built.details | {"difference": 0.2})
    with pytest.raises(PassFailed, match=r"20\.0%"):
        PASS.ensures(resnet.artifacts["onnx"], wrong, PASS.Params())
