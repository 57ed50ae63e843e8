"""Random inputs are plausible where the graph, or trying, tells what a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.domain.model import TensorSpec
from core.examples import example_feed
from core.sources.onnx.value_ranges import with_values
from core.sources.pixel_range import with_pixel_range
from tests.sources.conftest import save

IMAGE = TensorSpec("x", "float32", (1, 3, 16, 16))
IDS = TensorSpec("x", "int32", (1, 6))
Node = tuple[Any, ...]


def graph(nodes: list[Node], tensors: dict[str, Any], dtype: int = TensorProto.FLOAT) -> Any:
    """Return a chain of nodes, each (operator, inputs, output), from x to the last output."""
    made = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes]
    held = [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()]
    ports = [
        [helper.make_tensor_value_info(name, kind, None)] for name, kind in (("x", dtype), (nodes[-1][2], 1))
    ]
    return helper.make_model(helper.make_graph(made, "g", *ports, held))


def f(*values: float) -> Any:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("nodes", "tensors", "span"),
    [
        ([("Div", ["x", "c"], "y")], {"c": f(255)}, (0, 255)),
        ([("Mul", ["x", "c"], "y")], {"c": f(1 / 255)}, (0, 255)),
        ([("Sub", ["x", "c"], "a"), ("Div", ["a", "d"], "y")], {"c": f(124, 117, 104), "d": f(58)}, (0, 255)),
        ([("Sub", ["x", "c"], "y")], {"c": f(124, 117, 104)}, (0, 255)),
        ([("Sub", ["x", "c"], "a"), ("Mul", ["a", "d"], "y")], {"c": f(127.5), "d": f(1 / 127.5)}, (0, 255)),
        ([("Mul", ["x", "d"], "a"), ("Sub", ["a", "c"], "y")], {"c": f(1), "d": f(2 / 255)}, (0, 255)),
        ([("Sub", ["x", "c"], "a"), ("Div", ["a", "d"], "y")], {"c": f(0.48), "d": f(0.225)}, (0, 1)),
        ([("Mul", ["x", "d"], "a"), ("Sub", ["a", "c"], "y")], {"c": f(1), "d": f(2)}, (0, 1)),
        ([("Mul", ["x", "d"], "y")], {"d": f(0.125)}, None),
        ([("Add", ["x", "d"], "y")], {"d": f(0.5)}, None),
        ([("Div", ["x", "c"], "y")], {"c": np.full(300, 255, np.float32)}, None),
        ([("Relu", ["x"], "a"), ("Div", ["a", "c"], "y")], {"c": f(255)}, None),
    ],
)  # fmt: skip
def test_the_scaling_at_the_front_tells_of_pixels(
    nodes: list[Node], tensors: dict[str, Any], span: tuple[float, float] | None
) -> None:
    (found,) = with_values(graph(nodes, tensors), (IMAGE,))
    assert found.span == span
    assert bool(found.told) == (span is not None)


def test_a_batch_normalization_of_pixels_is_a_scaling_too() -> None:
    tensors = {name: f(value, value, value) for name, value in (("g", 1), ("b", 0), ("m", 120), ("v", 3500))}
    nodes = [("BatchNormalization", ["x", "g", "b", "m", "v"], "y")]
    assert with_values(graph(nodes, tensors), (IMAGE,))[0].span == (0, 255)


def test_whole_numbers_go_as_far_as_the_graph_compares_or_looks_up() -> None:
    """One-hot coding by comparison, as jax2tf writes it: bytes and one number more for padding."""
    numbers = np.arange(257, dtype=np.int32).reshape(1, 1, 257)
    shape = np.array([1, 6, 1])
    nodes: list[Node] = [
        ("Reshape", ["x", "shape"], "a"),
        ("Identity", ["numbers"], "n"),
        ("Equal", ["n", "a"], "y"),
    ]
    (found,) = with_values(graph(nodes, {"numbers": numbers, "shape": shape}, TensorProto.INT32), (IDS,))
    assert (found.high, found.span) == (None, (0, 256))
    assert "compares them with 0 to 256" in found.told
    for node, tensors, span, high in (
        (("OneHot", ["x", "depth", "v"], "y"), {"depth": np.int64(40), "v": f(0, 1)}, (0, 39), None),
        (("Equal", ["x", "rates"], "y"), {"rates": np.array([16000], np.int32)}, None, None),
        (("Gather", ["table", "x"], "y"), {"table": np.ones((90, 4), np.float32)}, None, 90),
    ):
        (found,) = with_values(graph([node], tensors, TensorProto.INT32), (IDS,))
        assert (found.span, found.high) == (span, high)
    cast = helper.make_node("Cast", ["x"], ["a"], to=1)
    scaled = graph([("Div", ["a", "c"], "y")], {"c": f(255)}, TensorProto.UINT8)
    scaled.graph.node.insert(0, cast)
    assert with_values(scaled, (TensorSpec("x", "int32", (1, 3, 16, 16)),))[0].span == (0, 255)


def test_a_network_that_sleeps_on_small_numbers_is_given_pixels() -> None:
    def sleeper(feed: dict[str, Any]) -> list[Any]:
        return [5 + feed["x"].mean(axis=(1, 2, 3)) / 10]

    def awake(feed: dict[str, Any]) -> list[Any]:
        return [feed["x"].mean(axis=(1, 2, 3))]

    def near_zero(feed: dict[str, Any]) -> list[Any]:
        return [1 / (1 + np.exp(20 - feed["x"].std(axis=(1, 2, 3)) / 2))]

    for call, span in ((sleeper, (0, 255)), (near_zero, (0, 255)), (awake, None)):
        (found,) = with_pixel_range((IMAGE,), {}, call)
        assert found.span == span
    told = TensorSpec("x", "float32", (1, 3, 16, 16), span=(0.0, 1.0))
    table = TensorSpec("x", "float32", (1, 16))
    for spec in (told, table):
        assert with_pixel_range((spec,), {}, lambda feed: [5 + feed["x"].mean(keepdims=True) / 1e5]) == (
            spec,
        )


def test_what_the_graph_tells_is_what_is_drawn(look: Any, tmp_path: Any) -> None:
    nodes: list[Node] = [("Div", ["x", "c"], "a"), ("GlobalAveragePool", ["a"], "y")]
    model = graph(nodes, {"c": f(255)})
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", 1, ["n", 3, 16, 16]))
    model.opset_import[0].version, model.ir_version = 17, 8
    found = look(save(model, tmp_path / "net.onnx")).model
    assert found.inputs[0].told == "the graph scales them as values from 0 to 255"
    assert example_feed(found)["x"].max() > 200
