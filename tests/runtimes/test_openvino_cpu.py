"""What only OpenVINO has to mind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.domain.model import TensorSpec
from core.domain.recipe import Target
from core.protocols import LocalArtifact
from core.registry import get_runtime
from tests.runtimes.networks import described


@pytest.mark.parametrize("threads", [1, 2])
def test_an_output_in_double_precision_behind_a_float_network(tmp_path: Path, threads: int) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["x"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("Gemm", ["single", "w", "b"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "v", "b"], ["last"]),
        helper.make_node("Cast", ["last"], ["y"], to=TensorProto.DOUBLE),
    ]
    tensors = {"w": weights, "v": weights[:3], "b": weights[0]}
    graph = helper.make_graph(
        nodes,
        "double",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["batch", 8])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["batch", 3])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    ports = (TensorSpec("x", "float64", ("batch", 8)),), (TensorSpec("y", "float64", ("batch", 3)),)
    model = described(*ports)
    x = np.random.default_rng(1).standard_normal((1, 8))
    session = get_runtime("openvino").open(
        LocalArtifact("onnx", path, (path,)), Target("openvino", "cpu", threads, 1), model
    )
    hidden = np.maximum(x @ weights + weights[0], 0)
    assert session.run({"x": x})[0] == pytest.approx(hidden @ weights[:3] + weights[0], abs=1e-4)
