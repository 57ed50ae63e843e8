"""Every operator answers as ONNX Runtime does, in old and new operator sets and at two batch sizes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from core.errors import UnsupportedModel
from core.graphs.onnx import files as onnx_files
from core.graphs.torch.from_onnx import network as networks
from core.graphs.torch.from_onnx.graph import read, with_linear_layers
from core.graphs.torch.from_onnx.recurrent import with_recurrent_layers
from core.graphs.torch.modules import quiet_torch
from core.passes.checks import distance
from core.protocols import Array

KNOWN = {*networks.OPERATORS, *networks.CONTROL, *networks.sizes.OPERATORS}
Shape = tuple[int | str, ...]


def weight(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


def number(value: float) -> Array:
    return np.array(value, np.float32)


PLACE = "coordinate_transformation_mode"
PICTURE: Shape = ("b", 4, 9, 7)
CASES: list[tuple[str, int, Shape, list[Array | None], dict[str, Any]]] = [
    ("Conv", 11, PICTURE, [weight(6, 2, 3, 3), weight(6)],
     {"group": 2, "pads": [1, 0, 2, 1], "strides": [2, 1]}),
    ("Conv", 22, PICTURE, [weight(6, 4, 3, 3)], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("Conv", 18, ("b", 4, 9), [weight(6, 4, 3)], {"dilations": [2], "pads": [2, 2]}),
    ("ConvTranspose", 11, PICTURE, [weight(4, 3, 3, 3)], {"strides": [2, 2], "output_padding": [1, 1]}),
    ("ConvTranspose", 11, PICTURE, [weight(4, 3, 4, 4)], {"strides": [2, 2], "pads": [0, 1, 2, 1]}),
    ("ConvTranspose", 11, PICTURE, [weight(4, 3, 3, 3)], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("Gemm", 13, ("b", 6), [weight(6, 5), weight(5)], {}),
    ("Gemm", 13, ("b", 6), [weight(5, 6), weight(1, 5)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("MatMul", 13, ("b", 3, 6), [weight(6, 5)], {}),
    ("BatchNormalization", 9, PICTURE, [weight(4), weight(4), weight(4), weight(4) ** 2], {"epsilon": 1e-3}),
    ("MeanVarianceNormalization", 13, PICTURE, [], {}),
    ("InstanceNormalization", 6, PICTURE, [weight(4), weight(4)], {}),
    ("LayerNormalization", 17, PICTURE, [weight(9, 7), weight(9, 7)], {"axis": 2}),
    ("GroupNormalization", 18, PICTURE, [weight(2), weight(2)], {"num_groups": 2}),
    ("GroupNormalization", 21, PICTURE, [weight(4), weight(4)], {"num_groups": 2}),
    ("LRN", 13, PICTURE, [], {"size": 3}),
    ("MaxPool", 12, PICTURE, [], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("MaxPool", 12, PICTURE, [], {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}),
    ("AveragePool", 11, PICTURE, [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("AveragePool", 11, PICTURE, [], {"kernel_shape": [3, 2], "pads": [0, 0, 1, 1], "count_include_pad": 0}),
    ("GlobalAveragePool", 1, PICTURE, [], {}), ("GlobalMaxPool", 1, PICTURE, [], {}),
    ("HardSigmoid", 6, PICTURE, [], {}), ("HardSwish", 14, PICTURE, [], {}), ("Erf", 13, PICTURE, [], {}),
    ("Gelu", 20, PICTURE, [], {"approximate": "tanh"}), ("PRelu", 16, PICTURE, [weight(4, 1, 1)], {}),
    ("LeakyRelu", 6, PICTURE, [], {"alpha": 0.3}), ("Selu", 6, PICTURE, [], {}), ("Elu", 6, PICTURE, [], {}),
    ("Clip", 6, PICTURE, [], {"min": -0.5, "max": 0.7}), ("Clip", 13, PICTURE, [number(0), number(6)], {}),
    ("Clip", 13, PICTURE, [None, number(0.5)], {}), ("Pow", 13, PICTURE, [number(2)], {}),
    ("Div", 13, PICTURE, [weight(7)], {}), ("Max", 13, PICTURE, [weight(7)], {}),
    ("Mod", 13, PICTURE, [number(0.7)], {"fmod": 1}),
    ("Softmax", 11, PICTURE, [], {"axis": 1}), ("Softmax", 13, PICTURE, [], {"axis": 1}),
    ("LogSoftmax", 7, PICTURE, [], {}), ("Reshape", 14, PICTURE, [ints(0, 2, -1)], {}),
    ("Flatten", 13, PICTURE, [], {"axis": 2}), ("Transpose", 13, PICTURE, [], {}),
    ("Squeeze", 11, ("b", 1, 3, 1), [], {"axes": [1, 3]}), ("Squeeze", 13, ("b", 1, 3), [ints(-2)], {}),
    ("Unsqueeze", 11, PICTURE, [], {"axes": [0, 3]}), ("Unsqueeze", 13, PICTURE, [ints(-1)], {}),
    ("Expand", 13, ("b", 1, 3), [ints(1, 5, 1)], {}), ("Tile", 13, PICTURE, [ints(1, 2, 1, 3)], {}),
    ("Slice", 9, PICTURE, [], {"starts": [1, -4], "ends": [3, -1], "axes": [1, 2]}),
    ("Slice", 13, PICTURE, [ints(-1), ints(-(2**63)), ints(3), ints(-1)], {}),
    ("Slice", 13, PICTURE, [ints(1), ints(2**63 - 1), ints(2), ints(2)], {}),
    ("Gather", 13, PICTURE, [ints(0, -1)], {"axis": 1}), ("Gather", 13, PICTURE, [np.array(-1)], {"axis": 3}),
    ("Gather", 13, PICTURE, [ints(0, 2, 1, -1).reshape(2, 2)], {"axis": 2}),
    ("Pad", 2, PICTURE, [], {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 1.5}),
    ("Pad", 18, PICTURE, [ints(1, 2, 2, 1), number(3), ints(2, 1)], {}),
    ("Pad", 13, PICTURE, [ints(0, 0, 1, 2, 0, 0, 2, 1)], {"mode": "reflect"}),
    ("Pad", 13, PICTURE, [ints(0, 0, 1, 2, 0, 0, 0, 1)], {"mode": "edge"}),
    ("DepthToSpace", 13, PICTURE, [], {"blocksize": 2}),
    ("DepthToSpace", 13, PICTURE, [], {"blocksize": 2, "mode": "CRD"}),
    ("SpaceToDepth", 13, ("b", 2, 4, 6), [], {"blocksize": 2}),
    ("CumSum", 14, PICTURE, [np.array(1)], {"reverse": 1}),
    ("ReduceMean", 13, PICTURE, [], {"axes": [2, 3], "keepdims": 0}),
    ("ReduceMean", 18, PICTURE, [ints(1)], {}),
    ("ReduceL2", 18, PICTURE, [ints(-1)], {}), ("ReduceMax", 18, PICTURE, [ints(1, 2)], {"keepdims": 0}),
    ("ReduceLogSumExp", 18, PICTURE, [ints(1)], {}), ("ReduceProd", 18, PICTURE, [ints(1, 2)], {}),
    ("ArgMax", 13, PICTURE, [], {"axis": 1}),
    ("Cast", 13, PICTURE, [], {"to": 7}), ("Trilu", 14, PICTURE, [], {"upper": 0}),
    ("Einsum", 12, PICTURE, [weight(7, 5)], {"equation": "bchw,wo->bcho"}),
    ("Upsample", 9, PICTURE, [floats(1, 1, 2, 2)], {"mode": "nearest"}),
    ("Upsample", 7, PICTURE, [], {"scales": [1.0, 1.0, 2.0, 2.0], "mode": "linear"}),
    ("Resize", 13, PICTURE, [None, floats(1, 1, 2, 2)], {"mode": "nearest", "nearest_mode": "floor",
     PLACE: "asymmetric"}),
    ("Resize", 13, PICTURE, [None, floats(1, 1, 2, 2)],
     {"mode": "linear", PLACE: "pytorch_half_pixel"}),
    ("Resize", 13, PICTURE, [None, floats(1, 1, 1.7, 0.6)], {"mode": "linear"}),
    ("Resize", 13, PICTURE, [None, floats(1, 1, 2, 3)],
     {"mode": "linear", PLACE: "asymmetric"}),
    ("Resize", 13, PICTURE, [None, floats(1, 1, 1.7, 0.6)], {"mode": "nearest"}),
    ("Resize", 13, PICTURE, [None, floats(1, 1, 2, 2)], {"mode": "cubic"}),
    ("Resize", 18, PICTURE, [None, None, ints(5, 11)],
     {"mode": "linear", PLACE: "align_corners", "axes": [2, 3]}),
]  # fmt: skip


def graph(
    op: str, opset: int, shape: Shape, constants: list[Array | None], attributes: dict[str, Any]
) -> bytes:
    names = [f"c{at}" if value is not None else "" for at, value in enumerate(constants)]
    node = helper.make_node(op, ["x", *names], ["y"], **attributes)
    kept = [
        numpy_helper.from_array(value, name)
        for name, value in zip(names, constants, strict=True)
        if value is not None
    ]
    ends = [helper.make_tensor_value_info("x", 1, shape)], [onnx.ValueInfoProto(name="y")]
    made = helper.make_model(
        helper.make_graph([node], "g", *ends, kept), opset_imports=[helper.make_opsetid("", opset)]
    )
    made.ir_version = 8
    return bytes(made.SerializeToString())


def converted(raw: bytes) -> torch.nn.Module:
    made = with_recurrent_layers(with_linear_layers(read(onnx.load_from_string(raw), KNOWN)))
    return networks._with_arguments(1)(made, ["x"])


def answer(raw: bytes, x: Array) -> list[Array]:
    return onnx_files.run(onnx_files.session(raw), {"x": x})


@pytest.mark.parametrize(
    ("op", "opset", "shape", "constants", "attributes"),
    CASES,
    ids=[f"{at}-{c[0]}-{c[1]}" for at, c in enumerate(CASES)],
)
def test_it_answers_as_onnx_runtime_does(
    op: str, opset: int, shape: Shape, constants: list[Array | None], attributes: dict[str, Any]
) -> None:
    raw = graph(op, opset, shape, constants, attributes)
    module = converted(raw)
    for batch in (1, 3):
        x = weight(*(batch if size == "b" else int(size) for size in shape), seed=batch)
        with quiet_torch():
            found = module(torch.from_numpy(x))
        expected = answer(raw, x)
        assert distance(expected, [found.numpy()]) < 1e-5
        assert found.numpy().dtype == expected[0].dtype


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent_layers_in_every_direction(op: str, direction: str) -> None:
    gates, both = {"LSTM": 4, "GRU": 3, "RNN": 1}[op], 2 if direction == "bidirectional" else 1
    weights = [weight(both, gates * 5, 4), weight(both, gates * 5, 5), weight(both, gates * 10)]
    more = {"linear_before_reset": 1} if op == "GRU" else {}
    raw = graph(op, 14, (6, "b", 4), list(weights), {"hidden_size": 5, "direction": direction, **more})
    x = weight(6, 3, 4)
    with quiet_torch():
        found = converted(raw)(torch.from_numpy(x))
    assert distance(answer(raw, x), [found.numpy()]) < 1e-5


def test_what_a_recurrent_layer_of_pytorch_cannot_do_is_refused() -> None:
    raw = graph("GRU", 14, (6, "b", 4), [weight(1, 15, 4), weight(1, 15, 5)], {"hidden_size": 5})
    with pytest.raises(UnsupportedModel, match="GRU"):
        converted(raw)(torch.zeros(6, 1, 4))


@pytest.mark.slow
def test_all_examples_of_the_standard_that_are_not_refused_come_out_right() -> None:
    """The standard's own examples, each with its first input fed and the others as constants."""
    from onnx.backend.test.case.node import collect_testcases

    odd = (
        "top_k_same",
        "align_corners",
        "antialias",
        "pytorch_half_pixel",
        "expanded",
        "training_dropout",
    )  # left open, at random, or edges
    right, wrong = 0, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The examples themselves overflow on purpose.
        cases = collect_testcases(None)
    for case in cases:
        if any(part in case.name for part in odd):
            continue
        try:
            found, expected = _example(case)
        except Exception:  # refused, or of types that no network has
            continue
        right += distance(expected, found) < 1e-3
        if not distance(expected, found) < 1e-3:
            wrong.append(case.name)
    assert not wrong
    assert right > 700


def _example(case: Any) -> tuple[list[Array], list[Array]]:
    made = read(case.model, KNOWN)
    (inputs, outputs), names = case.data_sets[0], [value.name for value in case.model.graph.input]
    arrays, expected = (
        [numpy_helper.to_array(each) if isinstance(each, onnx.TensorProto) else each for each in values]
        for values in (inputs, outputs)
    )
    made.constants.update(zip(names[1:], arrays[1:], strict=True))
    module = networks.OnnxNetwork(with_recurrent_layers(with_linear_layers(made)), names[:1])
    with quiet_torch():
        found = module(*(torch.from_numpy(np.array(each)) for each in arrays[:1]))
    return [each.numpy() for each in (found if isinstance(found, tuple) else (found,))], expected
