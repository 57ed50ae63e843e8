"""A perceptron as a LiteRT file, written by its schema: the exporter lives in an environment of its own."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from core.protocols import Array

FULLY_CONNECTED, RELU, FLOAT32 = 9, 1, 0


def write(module: nn.Module, path: Path) -> None:
    """Write the linear layers of `module`, with ReLU between them and a free batch."""
    import ai_edge_litert.schema_py_generated as schema
    import flatbuffers

    layers = [each for each in module.modules() if isinstance(each, nn.Linear)]
    arrays: list[Array | None] = [None]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [], []

    def tensor(name: str, shape: list[int], array: Array | None = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type = name, [max(size, 1) for size in shape], FLOAT32
        made.shapeSignature = shape
        arrays.append(array)
        made.buffer = len(arrays) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    widths = [layers[0].in_features, *(layer.out_features for layer in layers)]
    flow = [tensor(f"flow_{index}", [-1, width]) for index, width in enumerate(widths)]
    for layer, (before, after) in zip(layers, pairwise(flow), strict=True):
        held = [parameter.detach().numpy() for parameter in (layer.weight, layer.bias)]
        constants = [tensor("constant", list(each.shape), each) for each in held]
        graph.operators.append(_connected(schema, [before, *constants], after, last=layer is layers[-1]))
    graph.inputs, graph.outputs = [flow[0]], [flow[-1]]
    model = schema.ModelT()
    model.version, model.subgraphs = 3, [graph]
    model.operatorCodes = [_code(schema)]
    model.buffers = [_buffer(schema, each) for each in arrays]
    model.signatureDefs = [_signature(schema, flow[0], flow[-1])]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def _connected(schema: Any, inputs: list[int], output: int, last: bool) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = 0, inputs, [output]
    made.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    made.builtinOptions = schema.FullyConnectedOptionsT()
    made.builtinOptions.fusedActivationFunction = 0 if last else RELU
    return made


def _code(schema: Any) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode = made.deprecatedBuiltinCode = FULLY_CONNECTED
    made.version = 1
    return made


def _buffer(schema: Any, array: Array | None) -> Any:
    made = schema.BufferT()
    made.data = None if array is None else np.frombuffer(array.astype("<f4").tobytes(), np.uint8)
    return made


def _signature(schema: Any, first: int, last: int) -> Any:
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = "serving_default", 0
    made.inputs, made.outputs = [_port(schema, "args_0", first)], [_port(schema, "output_0", last)]
    return made


def _port(schema: Any, name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made
