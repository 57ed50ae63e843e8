from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from core.graphs.onnx import files as onnx_files
from core.passes.quantization.mixed.equalization import equalize
from tests.passes.conftest import Sample, answer, artifact, noise_db


def plant(sample: Sample, path: Path) -> None:
    """Write the network with one channel between two convolutions made 500 times as large."""
    model = onnx.load(str(sample.artifacts["onnx"].path))
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    relus = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Relu"}
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    uses = Counter(name for node in model.graph.node for name in node.input)
    before, after = next(
        (one, two)
        for one in convs
        for two in convs
        if relus.get(two.input[0]) == one.output[0] and uses[two.input[0]] == 1
    )
    for name, factor, axis in (*((name, 500, 0) for name in before.input[1:]), (after.input[1], 1 / 500, 1)):
        array = numpy_helper.to_array(held[name]).copy()
        array.swapaxes(0, axis)[3] *= np.float32(factor)
        held[name].CopyFrom(numpy_helper.from_array(array, name))
    onnx.save(model, str(path))


def test_outliers_are_gone_and_the_network_is_the_same(resnet: Sample, tmp_path: Path) -> None:
    plant(resnet, tmp_path / "planted.onnx")
    model = onnx_files.load(tmp_path / "planted.onnx")
    assert equalize(model) >= 3
    onnx_files.save(model, tmp_path / "equalized.onnx")
    made = artifact("onnx", tmp_path / "equalized.onnx")
    expected = answer(artifact("onnx", tmp_path / "planted.onnx"), resnet.model, 2)
    assert noise_db(expected, answer(made, resnet.model, 2)) > 80
    for node in model.graph.node:
        if node.op_type == "Conv":
            held = {tensor.name: tensor for tensor in model.graph.initializer}
            largest = np.abs(numpy_helper.to_array(held[node.input[1]])).max(axis=(1, 2, 3))
            assert largest.max() < 50 * np.median(largest)
