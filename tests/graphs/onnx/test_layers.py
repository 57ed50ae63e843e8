from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from core.graphs.onnx import layers
from core.graphs.onnx.layers import SCOPES, layers_of
from core.graphs.onnx.macs import count_macs

FEED = {"input": np.zeros((1, 3, 8, 8), np.float32)}


def weight(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def network() -> ModelProto:
    """Return two convolutions, one of them named by the exporter's scopes, an activation and an If."""
    value = helper.make_tensor_value_info
    branch = helper.make_graph(
        [helper.make_node("Mul", ["mixed", "scale"], ["scaled"], "inner")],
        "branch",
        [],
        [value("scaled", TensorProto.FLOAT, None)],
        [weight("scale", 4)],
    )
    first = helper.make_node("Conv", ["input", "w1"], ["a"], "node_conv", pads=[1, 1, 1, 1])
    first.metadata_props.add(key=SCOPES, value="['', 'stem', 'stem.0', 'conv2d']")
    nodes = [
        helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True), "yes")),
        first,
        helper.make_node("Relu", ["a"], ["b"], "relu_7"),
        helper.make_node("Conv", ["b", "body.3.weight"], ["mixed"], "Conv_9"),
        helper.make_node("If", ["yes"], ["out"], "choice", then_branch=branch, else_branch=branch),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [value("input", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [value("out", TensorProto.FLOAT, None)],
        [weight("w1", 4, 3, 3, 3), weight("body.3.weight", 4, 4, 1, 1)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def test_layers_say_where_they_lie_what_they_hold_and_what_feeds_them() -> None:
    found = layers_of(network(), FEED).layers
    assert [(each.name, each.module, each.inputs) for each in found] == [
        ("node_conv", ("stem", "0"), ()),
        ("relu_7", ("stem",), (0,)),
        ("Conv_9", ("body", "3"), (1,)),
        ("choice", (), ()),
        ("inner", ("choice · else_branch",), (2,)),
        ("inner", ("choice · then_branch",), (2,)),
    ]
    assert [each.parameters for each in found] == [108, 0, 16, 0, 4, 4]
    assert [each.macs for each in found] == [4 * 64 * 27, 0, 4 * 64 * 4, None, 0, 0]
    assert found[2].shape == (1, 4, 8, 8)


def test_the_macs_of_the_layers_are_those_of_the_model() -> None:
    model = network()
    del model.graph.node[-1]
    model.graph.output[0].name = "mixed"
    assert sum(each.macs or 0 for each in layers_of(model, FEED).layers) == count_macs(model, FEED)


def test_scopes_that_are_no_list_of_names_are_passed_over() -> None:
    model = network()
    model.graph.node[1].metadata_props[0].value = "[" * 3000
    assert layers_of(model, FEED).layers[0].module == ()


def test_what_is_beyond_the_most_that_is_shown_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MOST_LAYERS", 2)
    found = layers_of(network(), FEED)
    assert (len(found.layers), found.left_out) == (2, 2)
