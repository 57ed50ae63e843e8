"""LiteRT files written by their schema: the exporter lives in an environment of its own."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from core.protocols import Array

FULLY_CONNECTED, CONV_2D, GATHER, RELU = 9, 3, 36, 1
TYPES = {"float32": 0, "int32": 2, "int8": 9}


class Builder:
    """A graph that grows tensor by tensor."""

    def __init__(self) -> None:
        import ai_edge_litert.schema_py_generated as schema

        self.schema, self.arrays, self.codes = schema, [None], list[int]()
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, name: str, shape: list[int], array: Array | None = None, dtype: str = "float32") -> int:
        made = self.schema.TensorT()
        made.name, made.type = name, TYPES[dtype]
        made.shape, made.shapeSignature = [max(size, 1) for size in shape], shape
        self.arrays.append(array)  # type: ignore[arg-type]
        made.buffer = len(self.arrays) - 1
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, array: Array) -> int:
        return self.tensor(f"constant_{len(self.arrays)}", list(array.shape), array, array.dtype.name)

    def scaled(self, tensor: int, scale: float, zero: int) -> int:
        made = self.schema.QuantizationParametersT()
        made.scale, made.zeroPoint = [scale], [zero]
        self.graph.tensors[tensor].quantization = made
        return tensor

    def operator(self, code: int, inputs: list[int], output: int, options: str = "", **values: Any) -> None:
        made = self.schema.OperatorT()
        if code not in self.codes:
            self.codes.append(code)
        made.opcodeIndex, made.inputs, made.outputs = self.codes.index(code), inputs, [output]
        if options:
            made.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            made.builtinOptions = getattr(self.schema, f"{options}T")()
            for name, value in values.items():
                setattr(made.builtinOptions, name, value)
        self.graph.operators.append(made)

    def model(self, inputs: list[int], outputs: list[int], signature: bool = True) -> Any:
        self.graph.inputs, self.graph.outputs = inputs, outputs
        model = self.schema.ModelT()
        model.version, model.subgraphs = 3, [self.graph]
        model.operatorCodes = [self._code(each) for each in self.codes]
        model.buffers = [self._buffer(each) for each in self.arrays]
        model.signatureDefs = [self._signature(inputs, outputs)] if signature else []
        return model

    def _code(self, code: int) -> Any:
        made = self.schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = code
        made.version = 1
        return made

    def _buffer(self, array: Array | None) -> Any:
        made = self.schema.BufferT()
        made.data = None if array is None else np.frombuffer(array.tobytes(), np.uint8)
        return made

    def _signature(self, inputs: list[int], outputs: list[int]) -> Any:
        made = self.schema.SignatureDefT()
        made.signatureKey, made.subgraphIndex = "serving_default", 0
        made.inputs = [self._port(f"args_{at}", each) for at, each in enumerate(inputs)]
        made.outputs = [self._port(f"output_{at}", each) for at, each in enumerate(outputs)]
        return made

    def _port(self, name: str, index: int) -> Any:
        made = self.schema.TensorMapT()
        made.name, made.tensorIndex = name, index
        return made


def packed(model: Any) -> bytes:
    """Return a model's bytes."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def perceptron(module: nn.Module, signature: bool = True) -> Any:
    """Return the linear layers of `module`, with ReLU between them and a free batch, as a model."""
    layers = [each for each in module.modules() if isinstance(each, nn.Linear)]
    made = Builder()
    widths = [layers[0].in_features, *(layer.out_features for layer in layers)]
    flow = [made.tensor(f"flow_{index}", [-1, width]) for index, width in enumerate(widths)]
    for layer, (before, after) in zip(layers, pairwise(flow), strict=True):
        held = [made.constant(parameter.detach().numpy()) for parameter in (layer.weight, layer.bias)]
        made.operator(
            FULLY_CONNECTED,
            [before, *held],
            after,
            "FullyConnectedOptions",
            fusedActivationFunction=0 if layer is layers[-1] else RELU,
        )
    return made.model([flow[0]], [flow[-1]], signature)


def write(module: nn.Module, path: Path) -> None:
    """Write the linear layers of `module`, with ReLU between them and a free batch."""
    path.write_bytes(packed(perceptron(module)))


def pictures(order: tuple[int, int] = (0, 1), scale: float = 0.0) -> Any:
    """Return a network of a picture (1, 8, 8, 3) and a whole number, with two outputs: features and a row.

    Args:
        order: Of the inputs and of the outputs among the graph's own; a signature names them by position.
        scale: Of the picture, which then goes in as 8-bit integers with zero at -128; 0 for floats.
    """
    generator = np.random.default_rng(0)
    made = Builder()
    picture = made.tensor("picture", [1, 8, 8, 3], dtype="int8" if scale else "float32")
    kind = made.tensor("kind", [1], dtype="int32")
    features = made.tensor("features", [1, 8, 8, 4])
    row = made.tensor("row", [1, 6])
    held = made.constant(generator.standard_normal((4, 3, 3, 3)).astype(np.float32))
    bias = made.constant(np.zeros(4, np.float32))
    table = made.constant(generator.standard_normal((5, 6)).astype(np.float32))
    taken = picture
    if scale:
        made.scaled(picture, scale, -128)
        taken = made.tensor("real", [1, 8, 8, 3])
        made.operator(DEQUANTIZE, [picture], taken)
    made.operator(CONV_2D, [taken, held, bias], features, "Conv2DOptions", strideW=1, strideH=1)
    made.operator(GATHER, [table, kind], row, "GatherOptions")
    inputs, outputs = [picture, kind], [features, row]
    model = made.model(inputs, outputs)
    graph = model.subgraphs[0]
    graph.inputs, graph.outputs = ([given[at] for at in order] for given in (inputs, outputs))
    return model


DEQUANTIZE = 6
