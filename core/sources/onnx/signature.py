"""Signature of an ONNX graph: inputs, outputs, embedding tables and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from core.errors import UnsupportedModel
from core.graphs.onnx import files as onnx_files

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

Dims = tuple[int | str | None, ...]

NUMPY = {
    "float": "float32", "double": "float64", "float16": "float16", "bool": "bool", "int8": "int8",
    "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8", "uint16": "uint16",
    "uint32": "uint32", "uint64": "uint64",
}  # fmt: skip
"""ONNX element types that NumPy holds; the rest (strings, bfloat16, four-bit integers) cannot be fed."""

FOLLOWED = frozenset({
    "Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Transpose", "Slice", "Expand",
})  # fmt: skip


def raw_inputs(model: ModelProto) -> list[tuple[str, str, Dims | None]]:
    """Return name, NumPy dtype and dims of each input that must be fed; None dims where the rank is unknown.

    Raises:
        UnsupportedModel: An input is no tensor, or of a type that NumPy cannot hold, or there is none.
    """
    names = set(onnx_files.input_names(model))
    found = [(v.name, _dtype(v), _dims(v)) for v in model.graph.input if v.name in names]
    if not found:
        raise UnsupportedModel(
            "The model takes no input.", hint="Export a model whose forward takes tensors."
        )
    return found


def declared_outputs(model: ModelProto) -> tuple[Dims, ...]:
    """Return the recorded shape of each output, empty where there is none.

    Raises:
        UnsupportedModel: An output is no tensor, such as the list of dicts of a scikit-learn classifier.
    """
    for value in model.graph.output:
        kind = value.type.WhichOneof("value")
        if kind not in ("tensor_type", None):
            raise UnsupportedModel(
                f"The output {value.name!r} is a {str(kind).removesuffix('_type')}, not a tensor.",
                hint="Export it with tensor outputs; scikit-learn: to_onnx(..., options={'zipmap': False}).",
            )
    return tuple(_dims(value) or () for value in model.graph.output)


def _dtype(value: ValueInfoProto) -> str:
    from onnx import TensorProto

    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        said = str(kind).removesuffix("_type")
        raise UnsupportedModel(
            f"The input {value.name!r} is of kind {said}, not a tensor.", hint="Export it with tensor inputs."
        )
    known = set(TensorProto.DataType.values())
    number = value.type.tensor_type.elem_type
    name = TensorProto.DataType.Name(number).lower() if number in known else str(number)
    if name not in NUMPY:
        raise UnsupportedModel(
            f"The input {value.name!r} is of type {name}, which cannot be fed as numbers.",
            hint="Take text processing and exotic number types out of the graph, and export it again.",
        )
    return NUMPY[name]


def _dims(value: ValueInfoProto) -> Dims | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(_dim(dim) for dim in value.type.tensor_type.shape.dim)


def _dim(dim: Any) -> int | str | None:
    """Return a size, a symbol or None; 0 and -1 are how some exporters write a dynamic size."""
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value > 0 else None
    text = dim.dim_param.strip()
    return text if text and text not in ("?", "None", "-1") else None


def guess_dims(model: ModelProto, name: str) -> Dims | None:
    """Return the dims of an input of unknown rank by the weights that it meets first, or None."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if name in node.input[:1] and len(node.input) > 1 and node.input[1] in shapes:
            weight = shapes[node.input[1]]
            if node.op_type == "Conv":
                groups = next((a.i for a in node.attribute if a.name == "group"), 1)
                return (None, weight[1] * groups, *[None] * (len(weight) - 2))
            if node.op_type in ("MatMul", "Gemm") and len(weight) == 2:
                transposed = any(a.name == "transB" and a.i for a in node.attribute)
                return (None, weight[1] if transposed else weight[0])
    return None


def channel_hints(model: ModelProto, inputs: Sequence[tuple[str, str, Dims]]) -> dict[str, tuple[str, int]]:
    """Return, by input with a dynamic channel axis, the number of channels its first convolution takes."""
    found = {}
    for name, _, dims in inputs:
        guessed = guess_dims(model, name)
        if (
            guessed
            and len(guessed) == len(dims)
            and isinstance(guessed[1], int)
            and not isinstance(dims[1], int)
        ):
            found[name] = (str(dims[1]) if dims[1] else f"{name}_dim1", guessed[1])
    return found


def table_rows(model: ModelProto, names: Sequence[str]) -> dict[str, int]:
    """Return, by integer input, the rows of the smallest table that it indexes: the bound of its values."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            shapes.update((node.output[0], tuple(a.t.dims)) for a in node.attribute if a.name == "value")
        elif node.op_type in ("DequantizeLinear", "Cast", "Identity") and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    origin = {name: name for name in names}
    rows: dict[str, int] = {}
    for node in model.graph.node:
        picked = node.op_type == "Gather" and node.input[0] not in shapes  # a column of a table row
        if (picked or node.op_type in FOLLOWED) and node.input and node.input[0] in origin:
            origin[node.output[0]] = origin[node.input[0]]
        for table, indices in _lookups(node, shapes):
            if indices in origin:
                source = origin[indices]
                rows[source] = min(table, rows.get(source, table))
    return rows


def _lookups(node: Any, shapes: dict[str, tuple[int, ...]]) -> list[tuple[int, str]]:
    if node.op_type == "Gather" and len(shapes.get(node.input[0], ())) >= 2:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        return [(shapes[node.input[0]][0], node.input[1])] if axis == 0 else []
    if node.op_type == "EmbedLayerNormalization":
        pairs = ((node.input[2], node.input[0]), (node.input[4], node.input[1]))
        return [(shapes[table][0], indices) for table, indices in pairs if shapes.get(table)]
    return []


def count_weights(model: ModelProto) -> int:
    """Return the number of weights: constants that are no shapes, indices or scalars."""
    from onnx import TensorProto as T

    shapes = (T.INT64, T.INT32, T.BOOL, T.STRING)
    sizes = (prod(tensor.dims) for tensor in constants(model) if tensor.data_type not in shapes)
    return sum(size for size in sizes if size > 1)


def constants(model: ModelProto) -> list[Any]:
    """Return every initializer and every value of a Constant node, those of subgraphs and functions too."""
    graphs: list[GraphProto] = list(onnx_files.graphs(model.graph))
    held = [tensor for graph in graphs for tensor in graph.initializer]
    made = [node for node in onnx_files.nodes(model) if node.op_type == "Constant"]
    return held + [a.t for node in made for a in node.attribute if a.name == "value"]
