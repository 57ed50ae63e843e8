from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from core.errors import PassNotApplicable
from core.graphs.onnx import edits as onnx_edits
from core.passes.quantization.fp16 import PASS
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact, context, noise_db


@pytest.mark.parametrize("scope", ["weights", "graph"])
@pytest.mark.parametrize("name", ["cnn", "bert", "recurrent", "two"])
def test_half_the_weights_and_hardly_any_noise(
    name: str, scope: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    sample = networks[name]
    built = apply("fp16", sample, "onnx", tmp_path, scope=scope)
    expected, actual = (answer(found, sample.model, 2) for found in (sample.artifacts["onnx"], built))
    assert noise_db(expected, actual) > 45
    assert all(output.dtype == np.float32 for output in actual)


def test_the_file_is_half_as_large(resnet: Sample, tmp_path: Path) -> None:
    built = apply("fp16", resnet, "onnx", tmp_path)
    assert built.path.stat().st_size < 0.6 * resnet.artifacts["onnx"].path.stat().st_size


def test_weights_among_the_inputs_are_halved_too(graphs: dict[str, Sample], tmp_path: Path) -> None:
    assert apply("fp16", graphs["opset7"], "onnx", tmp_path).details["halved"] >= 2


def test_a_weight_beyond_the_range_stays_wide(tmp_path: Path) -> None:
    """1e6 is infinity in FP16."""
    model = zoo.source({"x": ("float32", ("b", 8))}, {"y": ("float32", ("b", 8))})
    huge = numpy_helper.from_array(np.full((8, 8), 1e6, np.float32), "huge")
    small = numpy_helper.from_array(np.full((8, 8), 0.5, np.float32), "small")
    nodes = [
        helper.make_node("MatMul", ["x", "huge"], ["h"]),
        helper.make_node("MatMul", ["h", "small"], ["y"]),
    ]
    ins, outs = (helper.make_tensor_value_info(name, 1, ["b", 8]) for name in "xy")
    graph = helper.make_graph(nodes, "g", [ins], [outs], [huge, small])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(tmp_path / "m.onnx"))
    sample = Sample(model, {"onnx": artifact("onnx", tmp_path / "m.onnx")})
    built = apply("fp16", sample, "onnx", tmp_path / "out")
    assert built.details["halved"] == 1
    assert np.isfinite(answer(built, model)[0]).all()


def test_nothing_to_halve_is_not_applicable(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["nothing"]
    with pytest.raises(PassNotApplicable):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())


def test_weights_in_constant_nodes_are_halved_too(resnet: Sample) -> None:
    """As the export of scripted networks leaves them."""
    graph = onnx.load(str(resnet.artifacts["onnx"].path))
    weights = list(graph.graph.initializer)
    del graph.graph.initializer[:]
    nodes = [helper.make_node("Constant", [], [one.name], value=one) for one in weights]
    everything = [*nodes, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(everything)
    onnx_edits.lift_constants(graph)
    assert {one.name for one in graph.graph.initializer} == {
        one.name for one in weights if one.data_type == one.FLOAT
    }
    assert not any(node.output[0] == weights[0].name for node in graph.graph.node)
    onnx.checker.check_model(graph)
