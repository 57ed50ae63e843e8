from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.transformers import float16

from core.errors import PassNotApplicable
from core.passes.quantization.int8_static_ort import PASS, _require_full_precision
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact, context, noise_db

GRAPHS = ["opset7", "opset9", "opset11", "channels_last", "branch", "loop"]


def test_all_layers_in_eight_bits_a_quarter_of_the_size_and_close(resnet: Sample, tmp_path: Path) -> None:
    built = apply("int8_static_ort", resnet, "onnx", tmp_path)
    assert built.details["float"] == 0
    assert built.details["quantized_ops"]["Conv"] >= 7
    assert built.path.stat().st_size < 0.4 * resnet.artifacts["onnx"].path.stat().st_size
    assert noise_db(answer(resnet.artifacts["onnx"], resnet.model, 8), answer(built, resnet.model, 8)) > 20


def test_activations_are_unsigned_and_weights_signed(resnet: Sample, tmp_path: Path) -> None:
    """The only pair with fast kernels on x86."""
    graph = onnx.load(str(apply("int8_static_ort", resnet, "onnx", tmp_path).path)).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    zeros = {kinds[node.input[2]] for node in graph.node if node.op_type == "QuantizeLinear"}
    weights = {kinds[tensor.name] for tensor in graph.initializer if tensor.name.endswith("_quantized")}
    assert zeros == {onnx.TensorProto.UINT8}
    assert weights == {onnx.TensorProto.INT8, onnx.TensorProto.INT32}  # biases in 32 bits


@pytest.mark.parametrize(("per_channel", "scales"), [(True, 16), (False, 1)])
def test_weights_have_a_scale_per_channel_or_one(
    per_channel: bool, scales: int, resnet: Sample, tmp_path: Path
) -> None:
    graph = onnx.load(
        str(apply("int8_static_ort", resnet, "onnx", tmp_path, per_channel=per_channel).path)
    ).graph
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.initializer}
    weight = next(node.input[1] for node in graph.node if node.op_type == "Conv")
    restored = next(node for node in graph.node if weight in node.output)
    assert sizes[restored.input[1]] == scales


def test_first_and_last_layer_stay_float_on_demand(resnet: Sample, tmp_path: Path) -> None:
    built = apply("int8_static_ort", resnet, "onnx", tmp_path, keep_float="first_last")
    assert built.details["float_ops"] == {"Conv": 1, "Gemm": 1}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_of_any_age_and_kind(name: str, graphs: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("int8_static_ort", graphs[name], "onnx", tmp_path)
    assert built.details["quantized"] >= 1
    expected, actual = (
        answer(found, graphs[name].model, 4) for found in (graphs[name].artifacts["onnx"], built)
    )
    assert noise_db(expected, actual) > 15


@pytest.mark.parametrize("name", ["cnn", "bert", "recurrent", "two", "fixed"])
def test_networks_of_many_kinds(name: str, networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks[name]
    built = apply("int8_static_ort", sample, "onnx", tmp_path)
    expected, actual = (answer(found, sample.model, 2) for found in (sample.artifacts["onnx"], built))
    assert noise_db(expected, actual) > 10


def test_sums_and_norms_stay_float_beside_attention(
    networks: dict[str, Sample], resnet: Sample, tmp_path: Path
) -> None:
    """Each in 8 bits, a vision transformer's residual stream drowns: 13 dB instead of 27."""

    def quantized(sample: Sample, kind: str, **values: str) -> bool:
        built = apply("int8_static_ort", sample, "onnx", tmp_path, **values)
        graph = onnx.load(str(built.path)).graph
        restored = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
        return any(set(node.input) <= restored for node in graph.node if node.op_type == kind)

    assert not quantized(networks["bert"], "Softmax")
    assert quantized(networks["bert"], "Softmax", operators="all")
    assert quantized(resnet, "Add")


def test_a_bias_of_one_row(tmp_path: Path) -> None:
    """As scikit-learn's networks have it: the quantizer would take its row for a channel."""
    path, model = zoo.row_bias(tmp_path / "m.onnx")
    sample = Sample(model, {"onnx": artifact("onnx", path)})
    built = apply("int8_static_ort", sample, "onnx", tmp_path / "out")
    assert built.details["quantized"] == 1
    expected, actual = (answer(found, model) for found in (sample.artifacts["onnx"], built))
    assert noise_db(expected, actual) > 25


def test_nothing_to_quantize_is_said_with_counts(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["nothing"]
    with pytest.raises(PassNotApplicable, match="only 1 Relu"):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())


def test_weights_of_16_bits_are_refused_with_the_reason(resnet: Sample) -> None:
    graph = onnx.load(str(resnet.artifacts["onnx"].path))
    half = float16.convert_float_to_float16(graph, keep_io_types=True)
    _require_full_precision(graph)
    with pytest.raises(PassNotApplicable, match="16 bits"):
        _require_full_precision(half)
