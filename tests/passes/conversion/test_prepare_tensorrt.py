from __future__ import annotations

import ast
import json
import shlex
from importlib import resources
from pathlib import Path

import numpy as np
import onnx
import pytest

from core.errors import CorruptFile, PassNotApplicable, UnsafeUpload
from core.formats.check import check_artifact
from core.formats.tensorrt import SCRIPTS, script
from core.passes.conversion import prepare_tensorrt
from core.protocols import LocalArtifact
from tests.passes.conftest import Sample, apply, artifact


def prepared(sample: Sample, folder: Path, *steps: tuple[str, dict[str, object]]) -> LocalArtifact:
    """Return the kit after `steps`."""
    made = sample.artifacts["onnx"]
    for number, (name, values) in enumerate((*steps, ("prepare_tensorrt", {}))):
        made = apply(name, Sample(sample.model, {"onnx": made}), "onnx", folder / str(number), **values)
    return made


def test_the_kit_holds_shapes_scripts_and_what_the_model_answers(resnet: Sample, tmp_path: Path) -> None:
    built = prepared(resnet, tmp_path)
    check_artifact(built.format, built.files)
    spec = json.loads((built.path.parent / "engine.json").read_text())
    assert spec["inputs"] == {"input": [None, 3, 16, 16]}
    assert (spec["precision"], spec["batch"], spec["most"]) == ("FP32", 1, 32)
    with np.load(built.path.parent / "expected.npz") as arrays:
        assert [arrays[f"output_{sample}_0"].shape for sample in range(spec["samples"])] == [(1, 10), (3, 10)]
    guide = (built.path.parent / "README.md").read_text()
    assert "--minShapes=input:1x3x16x16" in guide
    assert "--maxShapes=input:32x3x16x16" in guide


def test_the_line_for_trtexec_holds_no_commands_of_strangers() -> None:
    spec = {
        "inputs": {"x'; touch y #": [None, 3]},
        "batch": 1,
        "most": 2,
        "precision": "FP32",
        "tolerance": 0.1,
    }
    (line,) = (each for each in prepare_tensorrt._guide(spec).splitlines() if "--minShapes" in each)
    assert shlex.split(line.rstrip("\\")) == ["--minShapes=x'; touch y #:1x3"]


def test_integers_have_a_sign_and_zero_in_the_middle(resnet: Sample, tmp_path: Path) -> None:
    built = prepared(resnet, tmp_path, ("int8_static_ort", {"activations": "int8"}))
    assert built.details["precision"] == "INT8"
    graph = onnx.load(str(built.path)).graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    kinds = ("QuantizeLinear", "DequantizeLinear")
    zeros = [held[node.input[2]] for node in graph.node if node.op_type in kinds]
    assert zeros
    assert all(zero.data_type == zero.INT8 and not onnx.numpy_helper.to_array(zero).any() for zero in zeros)


def test_unsigned_integers_are_refused_with_the_way_out(resnet: Sample, tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable) as caught:
        prepared(resnet, tmp_path, ("int8_static_ort", {}))
    assert "activations=int8" in caught.value.hint


def test_a_graph_in_half_precision_is_named_so(resnet: Sample, tmp_path: Path) -> None:
    assert prepared(resnet, tmp_path, ("fp16", {"scope": "graph"})).details["precision"] == "FP16"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_was_changed_is_refused(name: str, resnet: Sample, tmp_path: Path) -> None:
    built = prepared(resnet, tmp_path)
    built.path.with_name(name).write_text("import os")
    with pytest.raises(UnsafeUpload, match=name):
        check_artifact(built.format, built.files)


def test_a_kit_that_lacks_a_file_is_refused(resnet: Sample, tmp_path: Path) -> None:
    built = prepared(resnet, tmp_path)
    built.path.with_name("engine.json").unlink()
    with pytest.raises(CorruptFile, match=r"engine\.json"):
        check_artifact(built.format, built.files)


def test_the_pass_and_the_check_mean_the_same_scripts(tmp_path: Path) -> None:
    assert prepare_tensorrt.SCRIPTS == SCRIPTS
    for name in SCRIPTS:
        ast.parse(script(name))
        assert prepare_tensorrt._script(name) == script(name)
    assert resources.files("core.formats").joinpath("tensorrt_kit").is_dir()


def test_rubbish_is_no_kit(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07rubbish")
    with pytest.raises((CorruptFile, UnsafeUpload)):
        check_artifact("tensorrt", artifact("tensorrt", path).files)
