from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.domain.recipe import Target
from core.errors import PassNotApplicable
from core.passes.latency import rough_times
from core.protocols import LocalArtifact
from tests.passes import zoo
from tests.passes.conftest import artifact, context

MODEL = zoo.source({"x": ("float32", ("b", 256))}, {"y": ("float32", ("b", 256))})


def products(count: int, path: Path) -> LocalArtifact:
    """A chain of matrix products: the time grows with their number."""
    weight = numpy_helper.from_array(np.eye(256, dtype=np.float32), "w")
    names = ["x", *(f"h{index}" for index in range(count - 1)), "y"]
    nodes = [helper.make_node("MatMul", [a, "w"], [b]) for a, b in pairwise(names)]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("b", 256)) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return artifact("onnx", path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_more_work_takes_longer_and_the_same_work_as_long(runtime: str, tmp_path: Path) -> None:
    small, large = products(4, tmp_path / "small.onnx"), products(40, tmp_path / "large.onnx")
    made = context(MODEL, tmp_path / "out", target=Target(runtime, batch=16))
    same, again, more = rough_times([small, small, large], made, seconds=0.1)
    assert same.ratio == 1
    assert same.spread == 0
    assert again.ratio == pytest.approx(1, abs=0.4)
    assert more.ratio > 3
    assert more.ms > 3 * same.ms > 0


def test_without_a_target_it_refuses(tmp_path: Path) -> None:
    made = replace(context(MODEL, tmp_path / "out"), target=None)
    with pytest.raises(PassNotApplicable, match="none was named"):
        rough_times([products(1, tmp_path / "m.onnx")], made)
