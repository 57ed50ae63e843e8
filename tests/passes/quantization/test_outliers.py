"""Weights with outliers."""

from __future__ import annotations

import numpy as np
from onnx import helper, numpy_helper

from core.passes.quantization.outliers import outlier_findings, outliers
from tests.factories import result


def network(weights: np.ndarray, turned: int) -> object:
    node = helper.make_node("Gemm", ["x", "w"], ["y"], "head", transB=turned)
    ends = [helper.make_tensor_value_info(name, 1, ["n", None]) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph)


def test_one_weight_far_from_the_others_of_its_channel_is_found_and_comes_with_what_was_lost() -> None:
    weights = np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32)
    assert outliers(network(weights, 1)) == {}
    weights[3, 5] = 500.0
    for found in (outliers(network(weights, 1)), outliers(network(np.ascontiguousarray(weights.T), 0))):
        assert found["outliers"]["named"] == ["head"]
        assert found["outliers"]["reach"] > 500
        (told,) = outlier_findings(found, result(drop=(3.0, 2.0, 4.0)))
        assert str(told.stake) == "3 points"
        assert "about 7 of 8 bits" in told.why


def test_a_channel_that_is_larger_as_a_whole_is_none() -> None:
    weights = np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32)
    weights[3] *= 500
    assert outliers(network(weights, 1)) == {}
