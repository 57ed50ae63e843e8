"""Layers and weights of a LiteRT file, read by its schema: their types and multiply-accumulates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

WEIGHTED = {
    "CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "CONV_3D": 0, "FULLY_CONNECTED": 0, "BATCH_MATMUL": 0,
    "TRANSPOSE_CONV": 2, "UNIDIRECTIONAL_SEQUENCE_LSTM": 0, "BIDIRECTIONAL_SEQUENCE_LSTM": 0, "SVDF": 0,
}  # fmt: skip
"""Operators where nearly all time is spent, with the position of their activations among their inputs."""
WEIGHTS = 1
FLOATS = {"FLOAT32": 4, "FLOAT16": 2, "BFLOAT16": 2, "FLOAT64": 8}
NARROW = {"INT8": 1, "UINT8": 1, "INT4": 0.5, "UINT4": 0.5, "INT2": 0.25}
"""Types of weights, with the bytes of one."""


@dataclass(frozen=True)
class Layer:
    """A layer that multiplies.

    Attributes:
        kind: Operator, such as ``CONV_2D``.
        output: Name of the tensor that it makes.
        weights: Type of its weights, such as ``INT8``.
        activations: Type of what it multiplies them with.
        macs: Multiply-accumulates of one call; 0 where they cannot be counted.
    """

    kind: str
    output: str
    weights: str
    activations: str
    macs: int

    @property
    def quantized(self) -> bool:
        """Whether its weights are stored in 8 bits or fewer."""
        return self.weights in NARROW


def read(path: Path) -> Any:
    """Return the model in `path` as objects of its schema; the file was checked before."""
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model(str(path))


def layers_of(model: Any) -> list[Layer]:
    """Return the layers that multiply, of all graphs in their order."""
    found = []
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            kind = operator_name(model.operatorCodes[operator.opcodeIndex])
            if kind in WEIGHTED:
                found.append(_layer(kind, operator, graph.tensors))
    return found


def _layer(kind: str, operator: Any, tensors: list[Any]) -> Layer:
    given, weights = (tensors[operator.inputs[at]] for at in (WEIGHTED[kind], WEIGHTS))
    made = tensors[operator.outputs[0]]
    types = _types()
    return Layer(
        kind, _text(made.name), types[weights.type], types[given.type], _macs(kind, given, weights, made)
    )


def _macs(kind: str, given: Any, weights: Any, made: Any) -> int:
    shapes = [list(map(int, each.shape if each.shape is not None else ())) for each in (given, weights, made)]
    into, kernel, out = shapes
    if not all(shapes):
        return 0
    each = {
        "CONV_2D": prod(out) * prod(kernel[1:]),
        "CONV_3D": prod(out) * prod(kernel[:-1]),
        "DEPTHWISE_CONV_2D": prod(out) * prod(kernel[1:-1]),
        "FULLY_CONNECTED": prod(out) * kernel[-1],
        "BATCH_MATMUL": prod(out) * into[-1],
        "TRANSPOSE_CONV": prod(into[:-1]) * prod(kernel),
    }
    return each.get(kind, 0)


def weights_of(model: Any) -> Counter[str]:
    """Return how many weights the file holds by their type; scalars, indices and sizes are none."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    types = _types()
    for tensor in (each for graph in model.subgraphs for each in graph.tensors or ()):
        kind, data = types[tensor.type], model.buffers[tensor.buffer].data
        known = kind in FLOATS or kind in NARROW
        count = prod(map(int, tensor.shape)) if tensor.shape is not None else 0
        if known and data is not None and len(data) and count > 1 and tensor.buffer not in seen:
            seen.add(tensor.buffer)
            found[kind] += count
    return found


def counts(path: Path) -> dict[str, Any]:
    """Return how many layers that multiply have weights in 8 bits, and how many not, as details."""
    quantized: Counter[str] = Counter()
    floating: Counter[str] = Counter()
    for layer in layers_of(read(path)):
        (quantized if layer.quantized else floating)[layer.kind] += 1
    return {
        "quantized": quantized.total(),
        "float": floating.total(),
        "quantized_ops": dict(quantized),
        "float_ops": dict(floating),
    }


def custom_operators(model: Any) -> list[str]:
    """Return the operators that LiteRT itself does not bring."""
    names = {_text(code.customCode) for code in model.operatorCodes or () if code.customCode}
    return sorted(names)


def operator_name(code: Any) -> str:
    """Return the name of an operator of the schema; older files keep its number in another field."""
    return _operators().get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM")


def _text(name: Any) -> str:
    return name.decode("utf8", "replace") if isinstance(name, bytes) else str(name or "")


def _constants(kind: type) -> Iterator[tuple[int, str]]:
    return ((value, name) for name, value in vars(kind).items() if isinstance(value, int))


@cache
def _operators() -> dict[int, str]:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    return dict(_constants(BuiltinOperator))


@cache
def _types() -> dict[int, str]:
    from ai_edge_litert.schema_py_generated import TensorType

    return dict(_constants(TensorType))
