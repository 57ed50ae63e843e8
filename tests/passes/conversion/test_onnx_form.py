from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from core.errors import PassFailed
from core.formats.check import check_artifact
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.opsets import NEWEST, OLDEST, in_opset
from core.passes.checks import distance
from core.passes.conversion.onnx_form import PASS
from tests.passes.conftest import Sample, answer, apply, op_types


@pytest.mark.parametrize("opset", [OLDEST, NEWEST])
def test_a_graph_goes_to_the_oldest_and_the_newest_set(opset: int, resnet: Sample, tmp_path: Path) -> None:
    built = apply("onnx_form", resnet, "onnx", tmp_path, opset=opset)
    model = onnx.load(str(built.path))
    assert onnx_files.opset(model) == built.details["opset"] == opset
    assert model.ir_version == {OLDEST: 7, NEWEST: 12}[opset]
    assert built.details["batches"] == [1, 3]
    for batch in (1, 5):
        expected, found = (answer(each, resnet.model, batch) for each in (resnet.artifacts["onnx"], built))
        assert distance(expected, found) < 1e-4


def test_an_operator_that_the_older_set_lacks_is_named(graphs: dict[str, Sample]) -> None:
    from onnx import TensorProto, helper

    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 4]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Gelu", ["x"], ["y"])], "g", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    with pytest.raises(ValueError, match=r"20 does not convert to 13.*Gelu"):
        list(in_opset(model, OLDEST))


def test_shapes_are_recorded_and_checked(resnet: Sample, tmp_path: Path) -> None:
    recorded = apply("onnx_form", resnet, "onnx", tmp_path / "with")
    assert len(onnx.load(str(recorded.path)).graph.value_info) > 10
    bare = apply("onnx_form", resnet, "onnx", tmp_path / "without", shapes=False)
    assert not onnx.load(str(bare.path)).graph.value_info


def test_weights_lie_beside_the_graph_and_are_checked_as_an_uploads(resnet: Sample, tmp_path: Path) -> None:
    built = apply("onnx_form", resnet, "onnx", tmp_path, weights="beside")
    assert [file.name for file in built.files] == ["model.onnx", "model.onnx.data"]
    assert built.path.stat().st_size < built.files[1].stat().st_size / 5
    check_artifact("onnx", built.files)
    assert distance(answer(resnet.artifacts["onnx"], resnet.model), answer(built, resnet.model)) == 0


def test_sizes_are_fixed_as_asked(networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks["bert"]
    fixed = apply("onnx_form", sample, "onnx", tmp_path / "fixed", axes="fixed")
    shapes = [
        [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in onnx.load(str(fixed.path)).graph.input
    ]
    assert shapes == [list(spec.resolve(sample.model.symbols)) for spec in sample.model.inputs]
    assert fixed.details["fixed"].keys() == {spec.name for spec in sample.model.inputs}
    batch = apply("onnx_form", sample, "onnx", tmp_path / "batch", axes="batch")
    first = onnx.load(str(batch.path)).graph.input[0].type.tensor_type.shape.dim
    assert first[0].dim_param == sample.model.batch_symbol
    assert first[1].dim_value == sample.model.symbols["s"]
    assert distance(answer(sample.artifacts["onnx"], sample.model, 4), answer(batch, sample.model, 4)) < 1e-5


def test_what_onnx_would_refuse_is_refused(resnet: Sample, tmp_path: Path) -> None:
    built = apply("onnx_form", resnet, "onnx", tmp_path)
    model = onnx.load(str(built.path))
    model.graph.node[0].op_type = "Convolve"
    onnx.save(model, str(built.path))
    with pytest.raises(PassFailed, match="checker refuses"):
        PASS.ensures(resnet.artifacts["onnx"], built, PASS.Params())


def test_quantized_and_fused_graphs_of_onnx_runtime_pass_too(resnet: Sample, tmp_path: Path) -> None:
    made = apply("optimize_onnx", resnet, "onnx", tmp_path / "fused", level="extended")
    fused = Sample(resnet.model, {"onnx": made})
    assert "FusedConv" in op_types(made.path)
    assert apply("onnx_form", fused, "onnx", tmp_path / "out").details["difference"] < 1e-4
