from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from core import registry
from core.errors import PassNotApplicable
from core.graphs.onnx import files as onnx_files
from core.pruning.onnx import weights as onnx_weights
from tests.factories import result
from tests.passes.conftest import Sample, answer, apply, artifact, noise_db

FORMATS = ("state_dict", "pt2", "onnx")


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_asked_share_is_zero_and_compresses(
    format: str, scope: str, resnet: Sample, tmp_path: Path
) -> None:
    built = apply("prune_magnitude", resnet, format, tmp_path, amount=0.6, scope=scope)
    assert built.details["sparsity"] == pytest.approx(0.6, abs=1e-3)
    assert built.details["compressed"] < 0.65 * built.details["compressed_before"]
    spread = built.details["sparsest_layer"] - built.details["densest_layer"]
    assert spread < 0.01 if scope == "layer" else spread > 0.05
    expected = answer(resnet.artifacts[format], resnet.model)
    assert 0 < noise_db(expected, answer(built, resnet.model)) < 60


def test_all_formats_lose_the_same_weights(resnet: Sample, tmp_path: Path) -> None:
    first, second = (
        answer(apply("prune_magnitude", resnet, format, tmp_path / format), resnet.model)[0]
        for format in ("state_dict", "pt2")
    )
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_only_the_smallest_go_and_biases_and_norms_stay(resnet: Sample, tmp_path: Path) -> None:
    built = apply("prune_magnitude", resnet, "onnx", tmp_path, amount=0.3)
    before, after = (onnx_files.load(each.path) for each in (resnet.artifacts["onnx"], built))
    chosen = {tensor.name for tensor in onnx_weights.weights(before).values()}
    new = {tensor.name: numpy_helper.to_array(tensor) for tensor in after.graph.initializer}
    for tensor in before.graph.initializer:
        old = numpy_helper.to_array(tensor)
        if tensor.name not in chosen:
            np.testing.assert_array_equal(old, new[tensor.name])
            continue
        gone = (new[tensor.name] == 0) & (old != 0)
        assert np.abs(old[gone]).max() <= np.abs(new[tensor.name][~gone]).min()


def test_weights_in_branches_and_loops_count(graphs: dict[str, Sample], tmp_path: Path) -> None:
    assert apply("prune_magnitude", graphs["branch"], "onnx", tmp_path / "1").details["layers"] == 3
    assert apply("prune_magnitude", graphs["loop"], "onnx", tmp_path / "2").details["layers"] == 2


def test_weights_beside_the_graph_are_found(resnet: Sample, tmp_path: Path) -> None:
    model = onnx_files.load(resnet.artifacts["onnx"].path)
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "m.onnx"
    onnx.save(model, str(path), save_as_external_data=True, location="m.data", size_threshold=0)
    sample = Sample(resnet.model, {"onnx": artifact("onnx", path, path.with_name("m.data"))})
    built = apply("prune_magnitude", sample, "onnx", tmp_path / "out")
    assert built.details["sparsity"] == pytest.approx(0.5, abs=1e-3)


def test_nothing_to_zero_is_said(graphs: dict[str, Sample], resnet: Sample, tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable, match="no convolution"):
        apply("prune_magnitude", graphs["nothing"], "onnx", tmp_path / "1")
    quantized = apply("int8_static_ort", resnet, "onnx", tmp_path / "2")
    with pytest.raises(PassNotApplicable, match="quantized"):
        apply("prune_magnitude", Sample(resnet.model, {"onnx": quantized}), "onnx", tmp_path / "3")


def test_two_of_four_say_what_they_bring(resnet: Sample, tmp_path: Path) -> None:
    built = apply("prune_magnitude", resnet, "onnx", tmp_path, scope="2:4")
    for tensor in onnx_weights.weights(onnx_files.load(built.path)).values():
        rows = numpy_helper.to_array(tensor)
        rows = rows.reshape(len(rows), -1)
        fours = rows[:, : rows.shape[1] // 4 * 4].reshape(len(rows), -1, 4)
        assert len(tensor.dims) == 2 or (np.count_nonzero(fours, axis=-1) <= 2).all()
    (finding,) = registry.get_pass("prune_magnitude").findings(built.details, result())
    assert "no speed" in finding.message
    assert finding.stake is not None
    assert finding.stake.unit == "ms"
    assert "MB instead of" in finding.message
