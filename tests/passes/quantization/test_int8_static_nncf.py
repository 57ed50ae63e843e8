from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import PassFailed, PassNotApplicable
from core.graphs.torch.modules import quiet_torch
from core.passes.quantization.int8_static_nncf import PASS
from core.passes.quantization.nncf_quantize import has_attention
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact, context, noise_db


def test_all_layers_in_eight_bits_and_close(resnet: Sample, tmp_path: Path) -> None:
    built = apply("int8_static_nncf", resnet, "onnx", tmp_path)
    assert built.details["float"] == 0
    assert [file.name for file in built.files] == ["model.xml", "model.bin"]
    assert built.files[1].stat().st_size < 0.4 * resnet.artifacts["onnx"].path.stat().st_size
    assert noise_db(answer(resnet.artifacts["onnx"], resnet.model, 8), answer(built, resnet.model, 8)) > 20


def test_first_and_last_layer_stay_float_on_demand(resnet: Sample, tmp_path: Path) -> None:
    built = apply("int8_static_nncf", resnet, "onnx", tmp_path, keep_float="first_last")
    assert built.details["float_ops"] == {"Convolution": 1, "MatMul": 1}


def test_reduced_range_leaves_one_bit_of_each_weight(resnet: Sample, tmp_path: Path) -> None:
    """A sum of two products of 8 and 7 bits fits the 16 bits of processors without VNNI."""
    import openvino

    def largest(**settings: bool) -> list[int]:
        folder = tmp_path / str(settings)
        built = apply("int8_static_nncf", resnet, "onnx", folder, **settings)
        nodes = openvino.Core().read_model(built.path).get_ops()
        weights = [
            node.data for node in nodes if node.get_type_name() == "Constant" and node.data.dtype == np.int8
        ]
        return [int(np.abs(each.astype(int)).max()) for each in weights if each.ndim > 1]

    assert max(largest()) == 127
    assert max(largest(reduce_range=True)) <= 64


def test_signals_below_its_least_range_are_refused(tmp_path: Path) -> None:
    path, model = zoo.faint(tmp_path / "faint.onnx")
    faint = Sample(model, {"onnx": artifact("onnx", path)})
    with pytest.raises(PassFailed, match="every output is 0") as caught:
        apply("int8_static_nncf", faint, "onnx", tmp_path / "work")
    assert "0.00008" in caught.value.hint


@pytest.mark.parametrize("name", ["opset7", "opset9", "channels_last", "loop"])
def test_graphs_of_any_age_and_kind(name: str, graphs: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("int8_static_nncf", graphs[name], "onnx", tmp_path)
    expected, actual = (
        answer(found, graphs[name].model, 4) for found in (graphs[name].artifacts["onnx"], built)
    )
    assert noise_db(expected, actual) > 15


@pytest.mark.parametrize("name", ["bert", "two", "fixed"])
def test_networks_of_many_kinds(name: str, networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks[name]
    built = apply("int8_static_nncf", sample, "onnx", tmp_path)
    expected, actual = (answer(found, sample.model, 2) for found in (sample.artifacts["onnx"], built))
    assert noise_db(expected, actual) > 10


def test_attention_is_seen_without_a_norm_beside_it(networks: dict[str, Sample], resnet: Sample) -> None:
    """Exports before opset 17 write layer norms as sums and roots."""
    import onnx
    import openvino

    def seen(model: onnx.ModelProto) -> bool:
        return has_attention(openvino.Core().read_model(model.SerializeToString()))

    def path(sample: Sample) -> str:
        return str(sample.artifacts["onnx"].path)

    value = onnx.helper.make_tensor_value_info
    nodes = [
        onnx.helper.make_node("Softmax", ["scores"], ["weights"]),
        onnx.helper.make_node("Unsqueeze", ["weights", "axis"], ["wide"]),
        onnx.helper.make_node("MatMul", ["wide", "values"], ["sums"]),
    ]
    inputs = [value("scores", 1, (4, 4)), value("values", 1, (1, 4, 8))]
    axis = onnx.numpy_helper.from_array(np.array([0]), "axis")
    graph = onnx.helper.make_graph(nodes, "g", inputs, [value("sums", 1, (1, 4, 8))], [axis])
    assert seen(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8))
    assert seen(onnx.load(path(networks["bert"])))
    assert not seen(onnx.load(path(resnet)))


class Deciding(torch.nn.Module):
    """Attends to some inputs only."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = torch.nn.Linear(8, 24), torch.nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.mean() > 0.2):
            q, k, v = self.into(x).chunk(3, -1)
            return self.out(torch.softmax(q @ k.transpose(1, 2), -1) @ v).sum(1)
        return self.out(x).sum(1)


def test_nodes_that_a_branch_leaves_beside_the_graph_are_no_riddle(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with quiet_torch():
        script = torch.jit.script(Deciding().eval())
        torch.onnx.export(script, (torch.ones(1, 4, 8),), str(path), input_names=["x"], dynamo=False)
    model = zoo.source({"x": ("float32", (1, 4, 8))}, {"y": ("float32", (1, 8))})
    with pytest.raises(PassFailed, match="never takes one of the graph's branches"):
        PASS.run(context(model, tmp_path / "out"), artifact("onnx", path), PASS.Params())


def test_a_branch_that_no_data_takes_is_said_in_words(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["branch"]
    with pytest.raises(PassFailed, match="never takes one of the graph's branches"):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())


def test_nothing_to_quantize_is_not_applicable(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["nothing"]
    with pytest.raises(PassNotApplicable):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())


def test_full_bias_correction_is_refused_where_there_are_branches(
    graphs: dict[str, Sample], tmp_path: Path
) -> None:
    with pytest.raises(PassNotApplicable, match="no branches"):
        apply("int8_static_nncf", graphs["branch"], "onnx", tmp_path, fast_bias_correction=False)
