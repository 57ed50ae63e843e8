"""What techniques say of graphs that they do not change is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.errors import PassFailed, PassNotApplicable
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.passes.checks import differ, differences, distance
from core.passes.quantization.coverage import require_float
from core.passes.quantization.int8_weights_nncf import PASS as WEIGHTS
from core.passes.quantization.int8_weights_nncf import Int8WeightsNncfParams
from core.protocols import LocalArtifact
from tests.passes import zoo
from tests.passes.conftest import Sample, apply, artifact, op_types

FLOATS = {"x": ("float32", ("b", 8))}


def typed(path: Path, dtype: str) -> Sample:
    """A matrix product in another type."""
    model = zoo.source({"x": (dtype, ("b", 8))}, {"y": (dtype, ("b", 8))})
    weight = numpy_helper.from_array(np.full((8, 8), 0.5, dtype), "w")
    made = zoo._save(path, [helper.make_node("MatMul", ["x", "w"], ["y"])], [weight], model, 17)
    return Sample(model, {"onnx": artifact("onnx", made)})


@pytest.mark.parametrize(("dtype", "words"), [("float64", "double precision"), ("float16", "FP16 already")])
def test_fp16_says_what_the_weights_are_in(dtype: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable, match=words):
        apply("fp16", typed(tmp_path / "m.onnx", dtype), "onnx", tmp_path / "out")


def test_fp16_halves_weights_in_constants_of_branches(tmp_path: Path) -> None:
    model = zoo.source({**FLOATS, "flag": ("bool", (1,))}, {"y": ("float32", ("b", 8))})
    branches = {}
    for name in ("then_branch", "else_branch"):
        value = numpy_helper.from_array(np.random.default_rng(len(name)).random((8, 8)).astype(np.float32))
        nodes = [
            helper.make_node("Constant", [], [f"{name}_w"], value=value),
            helper.make_node("MatMul", ["x", f"{name}_w"], [f"{name}_y"]),
        ]
        end = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, ["b", 8])
        branches[name] = helper.make_graph(nodes, name, [], [end])
    path = zoo._save(
        tmp_path / "m.onnx", [helper.make_node("If", ["flag"], ["y"], **branches)], [], model, 17
    )
    built = apply("fp16", Sample(model, {"onnx": artifact("onnx", path)}), "onnx", tmp_path / "out")
    assert built.details["halved"] == 2


@pytest.mark.parametrize(
    "technique", ["int8_static_ort", "int8_static_nncf", "int8_weights_nncf", "int8_dynamic"]
)
def test_a_quantized_graph_is_called_so(technique: str, resnet: Sample, tmp_path: Path) -> None:
    quantized = apply("int8_static_ort", resnet, "onnx", tmp_path / "first", samples=2)
    model = replace(resnet.model, precision="INT8")
    with pytest.raises(PassNotApplicable, match="in 8 bits already"):
        apply(technique, Sample(model, {"onnx": quantized}), "onnx", tmp_path / "again")


def test_a_graph_without_heavy_layers_is_not_called_quantized() -> None:
    with pytest.raises(PassNotApplicable, match="no convolution and no matrix product"):
        require_float({"float": 0, "quantized": 0, "quantized_ops": {}})


def test_weights_that_nncf_leaves_alone_are_named(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(2_000_000))
    built = LocalArtifact(
        "openvino", large, (large,), details={"bytes_in_8_bits": 200_000, "bytes_wider": 1_700_000}
    )
    with pytest.raises(PassFailed, match=r"0\.2 MB of weights are in 8 bits now; 1\.7 MB"):
        WEIGHTS.ensures(artifact("onnx", large), built, Int8WeightsNncfParams())


def test_rounding_of_an_output_near_0_is_no_difference() -> None:
    """A sigmoid of 1e-5 differs by 1e-7 between runtimes; twice the value is another one."""
    faint = [np.full((1, 4), 1e-5, np.float32)]
    assert distance(faint, [faint[0] + np.float32(1e-7)]) < 1e-3
    assert distance(faint, [2 * faint[0]]) > 1e-3
    assert distance(faint, [faint[0] + np.float32(1e-7)], floor=1e-30) > 5e-3


def test_detections_of_another_number_are_no_range() -> None:
    """Two of five boxes are missing, the others are there in another order."""
    boxes = np.array([[8, 8, 24, 24], [40, 8, 60, 30], [8, 40, 30, 60], [70, 70, 90, 90], [0, 0, 9, 9]])
    boxes, scores = boxes.astype(np.float32), np.linspace(0.9, 0.5, 5, dtype=np.float32)
    classes = np.array([1, 2, 1, 3, 0])
    whole = [boxes, scores, classes]
    kept = [each[[2, 0, 1]] for each in whole]
    assert differ(differences([(whole, whole), (whole, kept)])).endswith("% of the detections are others")
    assert differ(differences([([scores], [scores / 2])])) == "the outputs differ by 50.0% of their range"
    assert "other shapes" in differ(differences([([scores], [scores[:2]])]))


def test_nodes_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    """Those of branches too: the quantizer refers to nodes by name."""
    model = onnx.load(str(zoo.with_branch(tmp_path / "m.onnx")[0]))
    for node in onnx_files.nodes(model):
        node.name = "same"
    assert onnx_edits.name_nodes(model) == 3
    names = [node.name for node in onnx_files.nodes(model)]
    assert len(names) == len(set(names)) == 4
    path = tmp_path / "renamed.onnx"
    onnx.save(model, str(path))
    branch = zoo.with_branch(tmp_path / "again.onnx")[1]
    built = apply(
        "int8_static_ort", Sample(branch, {"onnx": artifact("onnx", path)}), "onnx", tmp_path / "out"
    )
    assert "QuantizeLinear" in op_types(built.path)


def none_left(path: Path) -> Sample:
    """A graph that picks no row, shapes these to 0 rows, and computes on."""
    model = zoo.source(FLOATS, {"y": ("float32", ("b", 8)), "z": ("float32", (0, 8))})
    number = numpy_helper.from_array
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Gather", ["y", "none"], ["picked"], axis=0),
        helper.make_node("Reshape", ["picked", "empty"], ["rows"], allowzero=1),
        helper.make_node("MatMul", ["rows", "w"], ["z"]),
    ]
    weights = [
        zoo._weight("w", 8, 8), number(np.array([], np.int64), "none"), number(np.array([0, 8]), "empty"),
    ]  # fmt: skip
    return Sample(model, {"onnx": artifact("onnx", zoo._save(path, nodes, weights, model, 14))})


@pytest.mark.parametrize("calibration", ["minmax", "percentile"])
def test_a_reshape_to_0_has_no_range_and_is_quantized(calibration: str, tmp_path: Path) -> None:
    sample = none_left(tmp_path / "m.onnx")
    built = apply("int8_static_ort", sample, "onnx", tmp_path / "out", calibration=calibration)
    assert built.details["quantized"] == 2
