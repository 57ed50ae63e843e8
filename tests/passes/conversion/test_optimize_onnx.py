from __future__ import annotations

from pathlib import Path

import pytest

from core.passes.checks import distance
from tests.passes.conftest import Sample, answer, apply, op_types


@pytest.mark.parametrize(
    "name", ["opset7", "opset9", "opset11", "channels_last", "branch", "loop", "nothing"]
)
def test_outputs_stay_the_same(name: str, graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs[name]
    built = apply("optimize_onnx", sample, "onnx", tmp_path)
    assert built.details["opset"] >= 13
    assert distance(answer(sample.artifacts["onnx"], sample.model, 4), answer(built, sample.model, 4)) < 1e-4


def test_batch_norm_is_folded_and_dead_nodes_go(graphs: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("optimize_onnx", graphs["opset11"], "onnx", tmp_path)
    assert "BatchNormalization" not in op_types(built.path)
    assert built.details["nodes"] < built.details["nodes_before"]


def test_basic_is_standard_and_extended_is_not(networks: dict[str, Sample], tmp_path: Path) -> None:
    import onnx

    domains = {}
    for level in ("basic", "extended"):
        built = apply("optimize_onnx", networks["bert"], "onnx", tmp_path / level, level=level)
        domains[level] = {node.domain for node in onnx.load(str(built.path)).graph.node}
    assert domains["basic"] <= {"", "ai.onnx"}
    assert "com.microsoft" in domains["extended"]


def test_hardswish_stays_in_one_piece(networks: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("optimize_onnx", networks["cnn"], "onnx", tmp_path)
    assert "HardSwish" in op_types(built.path)
    assert "HardSigmoid" not in op_types(built.path)
