"""Values that are quantized are read behind that, in float, on every runtime that reads ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

from core.domain.recipe import Target
from core.protocols import LocalArtifact
from core.registry import get_runtime
from tests.runtimes import networks

SCALE = 0.25


@pytest.fixture
def quantized(tmp_path: Path) -> LocalArtifact:
    """Return a product whose result is stored in 8 bits before the next one reads it."""
    generator = np.random.default_rng(0)
    held = [
        numpy_helper.from_array(generator.standard_normal((6, 6)).astype(np.float32), "w"),
        numpy_helper.from_array(generator.standard_normal((6, 4)).astype(np.float32), "v"),
        numpy_helper.from_array(np.array(SCALE, np.float32), "scale"),
        numpy_helper.from_array(np.array(128, np.uint8), "zero"),
    ]
    nodes = [
        helper.make_node("MatMul", ["features", "w"], ["inner"], "first"),
        helper.make_node("QuantizeLinear", ["inner", "scale", "zero"], ["small"]),
        helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["back"]),
        helper.make_node("MatMul", ["back", "v"], ["logits"], "second"),
    ]
    ports = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])]
        for name, size in (("features", 6), ("logits", 4))
    ]
    graph = helper.make_graph(nodes, "g", *ports, initializer=held)
    path = tmp_path / "model.onnx"
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return LocalArtifact("onnx", path, (path,))


@pytest.mark.parametrize("runtime_id", ["onnxruntime", "openvino"])
def test_what_is_read_is_what_the_next_layer_gets(quantized: LocalArtifact, runtime_id: str) -> None:
    _, model = networks.perceptron()
    session = get_runtime(runtime_id).open_tensors(quantized, Target(runtime_id), model)
    first, second = (each for each in session.tensors if each.operator == "MatMul")
    assert "inner" in first.names
    session.watch([first, second])
    inner, logits = session.run(networks.feed_of(model, 1))
    steps = inner / SCALE
    np.testing.assert_allclose(steps, steps.round(), atol=1e-4)
    assert logits.shape == (1, 4)
