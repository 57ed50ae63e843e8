"""Tiny networks of many kinds, as PyTorch modules and as hand-made ONNX graphs of any age."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from core.domain.model import SourceModel, TensorSpec

Shape = tuple[int | str, ...]


def source(
    inputs: dict[str, tuple[str, Shape]],
    outputs: dict[str, tuple[str, Shape]],
    format: str = "onnx",
    high: int | None = None,
    **symbols: int,
) -> SourceModel:
    """Return a description; `b` is the batch where it is used."""
    ins = tuple(TensorSpec(n, t, s, high if t.startswith("int") else None) for n, (t, s) in inputs.items())
    outs = tuple(TensorSpec(n, t, s) for n, (t, s) in outputs.items())
    batch = "b" if any("b" in spec.shape for spec in ins) else None
    known = ({"b": 1} if batch else {}) | symbols
    return SourceModel("0", "m", format, (), "", ins, outs, known, batch, parameters=1, macs=1, size_bytes=1)


class Cnn(nn.Module):
    """Convolutions of all kinds: strided, grouped, depthwise, transposed, with a resize."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.Hardswish())
        self.depthwise = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.grouped = nn.Sequential(nn.ReLU(), nn.Conv2d(16, 16, 3, 1, 1, groups=4))
        self.up = nn.ConvTranspose2d(16, 16, 2, 2)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = x + self.grouped(self.depthwise(x))
        x = nn.functional.interpolate(self.up(x), scale_factor=0.5)
        return self.head(x.mean((2, 3)))


class Bert(nn.Module):
    """Token ids and mask through PyTorch's own encoder, which has a fused path that cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 4)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embed(ids), src_key_padding_mask=mask == 0)[:, 0])


class Recurrent(nn.Module):
    """An LSTM and a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.gru = nn.GRU(16, 16, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(self.lstm(x)[0])[0][:, -1])


class TwoInTwoOut(nn.Module):
    """A picture and a table in, two answers out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.line, self.head = nn.Conv2d(1, 8, 3), nn.Linear(5, 8), nn.Linear(16, 3)

    def forward(self, image: torch.Tensor, table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        both = torch.cat([self.conv(image).relu().mean((2, 3)), self.line(table).relu()], 1)
        return self.head(both), both.sum(1)


class Branching(nn.Module):
    """Takes another path for other values: a trace of it is wrong, a script is right."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x[0, 0] > 0.3):
            return self.one(x)
        return self.two(x)


F32 = "float32"


def torch_models() -> dict[str, tuple[nn.Module, SourceModel]]:
    """Return modules in eval mode with their descriptions."""
    torch.manual_seed(0)
    sheet = {
        "cnn": (Cnn(), source({"input": (F32, ("b", 3, 32, 32))}, {"output": (F32, ("b", 10))})),
        "bert": (
            Bert(),
            source(
                {"ids": ("int64", ("b", "s")), "mask": ("int64", ("b", "s"))},
                {"output": (F32, ("b", 4))},
                high=100,
                s=7,
            ),
        ),
        "recurrent": (Recurrent(), source({"x": (F32, ("b", 6, 8))}, {"y": (F32, ("b", 4))})),
        "two": (
            TwoInTwoOut(),
            source(
                {"image": (F32, ("b", 1, 12, 12)), "table": (F32, ("b", 5))},
                {"scores": (F32, ("b", 3)), "total": (F32, ("b",))},
            ),
        ),
        "fixed": (Cnn(), source({"input": (F32, (2, 3, 32, 32))}, {"output": (F32, (2, 10))})),
    }
    return {name: (module.eval(), model) for name, (module, model) in sheet.items()}


def _weight(name: str, *shape: int) -> TensorProto:
    values = np.random.default_rng(len(name) + sum(shape)).standard_normal(shape) / 4
    return numpy_helper.from_array(values.astype(np.float32), name)


def _save(
    path: Path,
    nodes: list[Any],
    weights: list[TensorProto],
    model: SourceModel,
    opset: int,
    weights_are_inputs: bool = False,
) -> Path:
    def value(spec: TensorSpec) -> Any:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
        return helper.make_tensor_value_info(spec.name, kind, list(spec.shape))

    inputs = [value(spec) for spec in model.inputs]
    if weights_are_inputs:
        inputs += [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in weights]
    graph = helper.make_graph(nodes, "g", inputs, [value(spec) for spec in model.outputs], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 3 if weights_are_inputs else 8
    onnx.checker.check_model(made)
    onnx.save(made, str(path))
    return path


def old_cnn(path: Path, opset: int) -> tuple[Path, SourceModel]:
    """Return a graph as exporters wrote it years ago: BatchNorm unfolded, Upsample, weights among inputs."""
    model = source({"x": (F32, ("b", 3, 16, 16))}, {"y": (F32, ("b", 5))})
    norm = [_weight(f"n{i}", 8) for i in range(3)]
    norm.append(numpy_helper.from_array(np.ones(8, np.float32), "n3"))
    weights = [_weight("w", 8, 3, 3, 3), *norm, _weight("f", 8, 5), _weight("c", 5)]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "n0", "n1", "n2", "n3"], ["d"]),
        helper.make_node("Relu", ["d"], ["e"]),
    ]
    last = "e"
    if opset < 10:
        scales = np.array([1, 1, 2, 2], np.float32)
        if opset < 9:
            nodes.append(helper.make_node("Upsample", ["e"], ["u"], scales=list(scales), mode="nearest"))
        else:
            weights.append(numpy_helper.from_array(scales, "scales"))
            nodes.append(helper.make_node("Upsample", ["e", "scales"], ["u"], mode="nearest"))
        last = "u"
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["p"]),
        helper.make_node("Flatten", ["p"], ["q"]),
        helper.make_node("Gemm", ["q", "f", "c"], ["y"]),
    ]
    return _save(path, nodes, weights, model, opset, weights_are_inputs=opset < 9), model


def faint(path: Path) -> tuple[Path, SourceModel]:
    """Return two matrix products of which the first leaves nearly nothing, as untrained networks do."""
    model = source({"x": (F32, ("b", 32))}, {"y": (F32, ("b", 8))})
    small = numpy_helper.from_array(numpy_helper.to_array(_weight("w", 32, 64)) * np.float32(1e-9), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "v"], ["y"]),
    ]
    return _save(path, nodes, [small, _weight("v", 64, 8)], model, 17), model


def channels_last(path: Path) -> tuple[Path, SourceModel]:
    """Return a graph in the manner of tf2onnx: NHWC outside, a transpose around each convolution."""
    model = source({"x": (F32, ("b", 16, 16, 3))}, {"y": (F32, ("b", 16, 16, 4))})
    nodes = []
    last = "x"
    for index in range(2):
        nodes += [
            helper.make_node("Transpose", [last], [f"t{index}"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", [f"t{index}", f"w{index}"], [f"v{index}"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"v{index}"], [f"r{index}"]),
            helper.make_node("Transpose", [f"r{index}"], ["y" if index else "m"], perm=[0, 2, 3, 1]),
        ]
        last = "m"
    return _save(path, nodes, [_weight("w0", 8, 3, 3, 3), _weight("w1", 4, 8, 3, 3)], model, 13), model


def with_branch(path: Path) -> tuple[Path, SourceModel]:
    """Return a graph with an If whose branches hold matrix products."""
    model = source({"x": (F32, ("b", 8)), "flag": ("bool", ())}, {"y": (F32, ("b", 8))})
    held = helper.make_tensor_value_info("o", TensorProto.FLOAT, ["b", 8])
    branches = {
        name: helper.make_graph([helper.make_node("MatMul", ["h", weight], ["o"])], name, [], [held])
        for name, weight in (("then_branch", "w1"), ("else_branch", "w2"))
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["h"]),
        helper.make_node("If", ["flag"], ["y"], **branches),
    ]
    weights = [_weight("w0", 8, 8), _weight("w1", 8, 8), _weight("w2", 8, 8)]
    return _save(path, nodes, weights, model, 15), model


def with_loop(path: Path) -> tuple[Path, SourceModel]:
    """Return a graph with a Loop of three rounds around a matrix product."""
    model = source({"x": (F32, ("b", 8))}, {"y": (F32, ("b", 8))})
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["s", "w"], ["m"]),
            helper.make_node("Tanh", ["m"], ["n"]),
            helper.make_node("Identity", ["go"], ["more"]),
        ],
        "body",
        [
            info("i", TensorProto.INT64, []),
            info("go", TensorProto.BOOL, []),
            info("s", TensorProto.FLOAT, ["b", 8]),
        ],
        [info("more", TensorProto.BOOL, []), info("n", TensorProto.FLOAT, ["b", 8])],
    )
    nodes = [
        helper.make_node("Gemm", ["x", "f"], ["h"]),
        helper.make_node("Loop", ["rounds", "yes", "h"], ["y"], body=body),
    ]
    weights = [
        _weight("w", 8, 8),
        _weight("f", 8, 8),
        numpy_helper.from_array(np.array(3, np.int64), "rounds"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    return _save(path, nodes, weights, model, 16), model


def nothing_to_quantize(path: Path) -> tuple[Path, SourceModel]:
    """Return a graph without one weight."""
    model = source({"x": (F32, ("b", 8))}, {"y": (F32, ("b", 8))})
    return _save(path, [helper.make_node("Relu", ["x"], ["y"])], [], model, 17), model


def row_bias(path: Path) -> tuple[Path, SourceModel]:
    """Return a layer whose bias has two axes."""
    model = source({"x": (F32, ("b", 6))}, {"y": (F32, ("b", 4))})
    nodes = [helper.make_node("Gemm", ["x", "w", "bias"], ["y"])]
    return _save(path, nodes, [_weight("w", 6, 4), _weight("bias", 1, 4)], model, 13), model


def products(path: Path) -> tuple[Path, SourceModel]:
    """Return a network that only multiplies matrices, by MatMul and by Gemm, wide enough for blocks."""
    model = source({"x": (F32, ("b", 128))}, {"y": (F32, ("b", 128))})
    nodes = [
        helper.make_node("MatMul", ["x", "one"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Gemm", ["r", "two", "bias"], ["c"]),
        helper.make_node("Relu", ["c"], ["s"]),
        helper.make_node("MatMul", ["s", "three"], ["y"]),
    ]
    weights = [_weight("one", 128, 256), _weight("two", 256, 128), _weight("bias", 128)]
    return _save(path, nodes, [*weights, _weight("three", 128, 128)], model, 17), model


def trees(path: Path) -> tuple[Path, SourceModel]:
    """Return a tree as scikit-learn's converters write it: no standard operator set is named."""
    model = source({"x": (F32, ("b", 2))}, {"y": (F32, ("b", 1))})
    tree = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0],
        nodes_values=[0.5, 0.0, 0.0], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[1.0, 2.0],
    )  # fmt: skip
    values = [
        helper.make_tensor_value_info(spec.name, 1, list(spec.shape))
        for spec in (*model.inputs, *model.outputs)
    ]
    graph = helper.make_graph([tree], "g", values[:1], values[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 1)], ir_version=8), path
    )
    return path, model


def steered(path: Path) -> tuple[Path, SourceModel]:
    """Return a graph as exports of scripted speech networks are: an `If` on a rate, in it one on a size."""
    specs = {"x": (F32, ("b", "length")), "sample_rate": ("int64", ())}
    model = source(specs, {"y": (F32, ("b", 4))}, length=16)
    model = replace(model, inputs=(model.inputs[0], replace(model.inputs[1], compared=(16000,))))
    info, number = helper.make_tensor_value_info, numpy_helper.from_array
    free = [info("r", TensorProto.FLOAT, None)]
    squeeze = helper.make_graph([helper.make_node("Squeeze", ["u", "last"], ["r"])], "squeeze", [], free)
    keep = helper.make_graph([helper.make_node("Identity", ["u"], ["r"])], "keep", [], free)
    branches = {}
    for name, weight in (("then_branch", "fast"), ("else_branch", "slow")):
        nodes = [
            helper.make_node("MatMul", ["x", weight], ["h"]),
            helper.make_node("Unsqueeze", ["h", "last"], ["u"]),
            helper.make_node("Shape", ["u"], ["sizes"]),
            helper.make_node("Gather", ["sizes", "last"], ["size"]),
            helper.make_node("Equal", ["size", "one"], ["is_one"]),
            helper.make_node("If", ["is_one"], ["flat"], then_branch=squeeze, else_branch=keep),
            helper.make_node("Gemm", ["flat", "head"], [f"{weight}_y"]),
        ]
        branches[name] = helper.make_graph(nodes, name, [], [info(f"{weight}_y", TensorProto.FLOAT, None)])
    nodes = [
        helper.make_node("Equal", ["sample_rate", "wanted"], ["is_wanted"]),
        helper.make_node("If", ["is_wanted"], ["y"], **branches),
    ]
    weights = [
        _weight("fast", 16, 64), _weight("slow", 16, 64), _weight("head", 64, 4),
        number(np.array([2], np.int64), "last"), number(np.array([1], np.int64), "one"),
        number(np.array(16000, np.int64), "wanted"),
    ]  # fmt: skip
    return _save(path, nodes, weights, model, 13), model


def double(path: Path, scale: float = 1.0) -> tuple[Path, SourceModel]:
    """Return two layers in double precision, one of them with its weights in a Constant node."""
    model = source({"x": ("float64", ("b", 16))}, {"y": ("float64", ("b", 4)), "n": ("int64", ("b",))})
    model = replace(model, precision="FP64")
    wide = numpy_helper.to_array(_weight("w", 16, 32)).astype(np.float64)
    held = numpy_helper.from_array(scale * numpy_helper.to_array(_weight("v", 32, 4)).astype(np.float64))
    nodes = [
        helper.make_node("Constant", [], ["v"], value=held),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Cast", ["h"], ["same"], to=TensorProto.DOUBLE),
        helper.make_node("Tanh", ["same"], ["t"]),
        helper.make_node("MatMul", ["t", "v"], ["y"]),
        helper.make_node("ArgMax", ["y"], ["n"], axis=1, keepdims=0),
    ]
    return _save(path, nodes, [numpy_helper.from_array(wide, "w")], model, 17), model


class LowRank(nn.Module):
    """A convolution and a linear layer of low rank, and a small head of full rank."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.line, self.head = nn.Conv2d(3, 64, 3, 2, 1), nn.Linear(1024, 256), nn.Linear(256, 4)
        for layer, rank in ((self.conv, 4), (self.line, 8)):
            matrix = layer.weight.data.flatten(1)
            u, s, v = torch.linalg.svd(matrix, full_matrices=False)
            layer.weight.data.copy_(((u[:, :rank] * s[:rank]) @ v[:rank]).reshape(layer.weight.shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.line(self.conv(x).relu().flatten(1)).relu())


def low_rank(path: Path) -> tuple[Path, SourceModel]:
    """Return an exported program with layers that are products of thinner ones."""
    torch.manual_seed(0)
    model = source({"x": (F32, ("b", 3, 8, 8))}, {"y": (F32, ("b", 4))}, "pt2")
    with torch.no_grad():
        shapes = ({0: torch.export.Dim.DYNAMIC},)
        program = torch.export.export(LowRank().eval(), (torch.randn(2, 3, 8, 8),), dynamic_shapes=shapes)
    torch.export.save(program, str(path))
    return path, model


ONNX_MAKERS = {
    "opset7": lambda path: old_cnn(path, 7),
    "opset9": lambda path: old_cnn(path, 9),
    "opset11": lambda path: old_cnn(path, 11),
    "channels_last": channels_last,
    "branch": with_branch,
    "loop": with_loop,
}


def perceptron(path: Path) -> tuple[Path, SourceModel]:
    """Write three linear layers as a LiteRT file with a free batch."""
    from tests.runtimes import tflite

    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4))
    tflite.write(layers, path)
    return path, source({"input": ("float32", ("b", 6))}, {"output": ("float32", ("b", 4))}, "tflite")
