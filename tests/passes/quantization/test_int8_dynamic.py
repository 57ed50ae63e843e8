from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from core.errors import PassNotApplicable
from core.passes.quantization.int8_dynamic import PASS
from tests.passes.conftest import Sample, answer, apply, artifact, context, noise_db, op_types


def test_products_become_integers_and_attention_stays(networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks["bert"]
    built = apply("int8_dynamic", sample, "onnx", tmp_path)
    assert built.details["quantized"] >= 9
    assert built.details["float_ops"] == {"MatMul": 4}  # queries by keys and scores by values, twice
    expected, actual = (answer(found, sample.model, 3) for found in (sample.artifacts["onnx"], built))
    assert noise_db(expected, actual) > 25


def test_layers_that_share_a_weight_stay_right(networks: dict[str, Sample]) -> None:
    """The layers of PyTorch's encoder begin as copies, and the exporter stores equal weights once."""
    from core.graphs.onnx import edits as onnx_edits

    model = onnx.load(str(networks["bert"].artifacts["onnx"].path))
    shared = [node.input[1] for node in model.graph.node if node.op_type == "Gemm"]
    assert len(set(shared)) < len(shared)
    onnx_edits.untie_gemm_weights(model)
    untied = [node.input[1] for node in model.graph.node if node.op_type == "Gemm"]
    assert len(set(untied)) == len(untied)


def test_an_lstm_is_quantized_and_a_gru_is_not(networks: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("int8_dynamic", networks["recurrent"], "onnx", tmp_path)
    assert built.details["quantized_ops"] == {"LSTM": 1, "MatMul": 1}
    assert built.details["float_ops"] == {"GRU": 1}


def test_convolutions_stay_float_unless_asked_for(resnet: Sample, tmp_path: Path) -> None:
    assert "ConvInteger" not in op_types(apply("int8_dynamic", resnet, "onnx", tmp_path / "no").path)
    assert "ConvInteger" in op_types(
        apply("int8_dynamic", resnet, "onnx", tmp_path / "yes", convolutions=True).path
    )


@pytest.mark.parametrize("name", ["branch", "loop"])
def test_branches_and_bodies_are_quantized_too(name: str, graphs: dict[str, Sample], tmp_path: Path) -> None:
    assert apply("int8_dynamic", graphs[name], "onnx", tmp_path).details["float"] == 0


def test_it_works_after_extended_optimization(networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks["bert"]
    fused = apply("optimize_onnx", sample, "onnx", tmp_path / "fused", level="extended")
    after = Sample(sample.model, {"onnx": fused})
    assert apply("int8_dynamic", after, "onnx", tmp_path / "quantized").details["quantized"] >= 9


def test_a_pure_convolution_network_is_refused_with_counts(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["channels_last"]
    with pytest.raises(PassNotApplicable, match="2 Conv"):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())


def test_trees_are_refused_with_the_reason(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["trees"]
    with pytest.raises(PassNotApplicable, match="none at all"):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())


def test_weights_in_a_file_of_two_names(networks: dict[str, Sample], tmp_path: Path) -> None:
    """The store lays files out as hard links."""
    sample = networks["bert"]
    model = onnx.load(str(sample.artifacts["onnx"].path))
    onnx.save(model, str(tmp_path / "m.onnx"), save_as_external_data=True, location="m.data")
    (tmp_path / "second").hardlink_to(tmp_path / "m.data")
    outside = Sample(sample.model, {"onnx": artifact("onnx", tmp_path / "m.onnx", tmp_path / "m.data")})
    assert apply("int8_dynamic", outside, "onnx", tmp_path / "out").details["quantized"] >= 9
