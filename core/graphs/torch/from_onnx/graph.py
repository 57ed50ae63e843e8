"""An ONNX graph as plain nodes and NumPy constants, brought into the form that the operators take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import UnsupportedModel
from core.graphs.onnx import files as onnx_files
from core.protocols import Array

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        op: Its type, with the domain in front where that is not the standard one.
        inputs: Names; empty ones are left out.
        outputs: Names, likewise.
        attributes: By name; tensors as arrays, graphs as `Graph`.
        opset: Version of the standard operator set.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 0

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """Graphs inside of it, such as the branches of an If."""
        return tuple(value for value in self.attributes.values() if isinstance(value, Graph))


@dataclass
class Graph:
    """Nodes in an order in which they can run.

    Attributes:
        nodes: Those that the outputs need.
        constants: Initializers and the values of Constant nodes.
        outputs: Names.
    """

    nodes: list[Node]
    constants: dict[str, Array]
    outputs: tuple[str, ...]

    def walk(self) -> Iterator[Node]:
        """Yield all nodes, those of inner graphs too."""
        for node in self.nodes:
            yield node
            for inner in node.graphs:
                yield from inner.walk()

    def uses(self) -> dict[str, int]:
        """Return how often each name is taken, by nodes and as an output."""
        found: dict[str, int] = {}
        for name in (*self.outputs, *(name for node in self.walk() for name in node.inputs)):
            found[name] = found.get(name, 0) + 1
        for node in self.walk():
            for inner in node.graphs:
                for name in inner.outputs:
                    found[name] = found.get(name, 0) + 1
        return found


def read(model: ModelProto, known: Iterable[str]) -> Graph:
    """Return the main graph of `model`; operators that are not `known` are taken apart where they can be."""
    return _graph(_taken_apart(model, frozenset(known)).graph, onnx_files.opset(model))


def _taken_apart(model: ModelProto, known: frozenset[str]) -> ModelProto:
    """Return `model` without functions: its own, and unknown ones of the standard that have a body."""
    from onnx import inliner

    unknown = {(node.domain, node.op_type) for node in onnx_files.nodes(model) if _op(node) not in known}
    inlined = inliner.inline_local_functions(model) if model.functions else model
    if unknown:
        inlined = _with_defaults(inlined, unknown)
    try:
        return inliner.inline_selected_functions(inlined, sorted(unknown), inline_schema_functions=True)
    except RuntimeError:  # a function's body depends on types that the file does not record
        return inlined


def _with_defaults(model: ModelProto, operators: set[tuple[str, str]]) -> ModelProto:
    """Return `model` with the default attributes of some operators written down: the inliner loses them."""
    from onnx import ModelProto, defs

    stated, version = ModelProto(), onnx_files.opset(model)
    stated.CopyFrom(model)
    for node in onnx_files.nodes(stated):
        if (node.domain, node.op_type) not in operators or node.domain not in STANDARD:
            continue
        with suppress(defs.SchemaError):
            known = defs.get_schema(node.op_type, version, node.domain).attributes.values()
            named = {each.name for each in node.attribute}
            defaults = (each.default_value for each in known if each.name not in named)
            node.attribute.extend(each for each in defaults if each.name)
    return stated


def _op(node: NodeProto) -> str:
    return node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}"


def _graph(proto: GraphProto, opset: int) -> Graph:
    from onnx import numpy_helper

    constants = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in proto.initializer}
    nodes = []
    for each in proto.node:
        attributes = {attribute.name: _attribute(attribute, opset) for attribute in each.attribute}
        node = Node(_op(each), tuple(each.input), tuple(each.output), attributes, opset)
        if node.op == "Constant":
            constants[node.outputs[0]] = _constant(attributes)
        else:
            nodes.append(node)
    outputs = tuple(value.name for value in proto.output)
    return Graph(_needed(nodes, outputs), constants, outputs)


def _attribute(attribute: Any, opset: int) -> Any:
    from onnx import GraphProto, TensorProto, helper, numpy_helper

    value = helper.get_attribute_value(attribute)
    if isinstance(value, GraphProto):
        return _graph(value, opset)
    if isinstance(value, TensorProto):
        return np.array(numpy_helper.to_array(value))
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _constant(attributes: Mapping[str, Any]) -> Array:
    kinds = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32}
    if not attributes:  # a function's default, which is left out where its body is put in
        raise UnsupportedModel("The graph has a Constant without a value.", hint="Export the model again.")
    name, value = next(iter(attributes.items()))
    return np.asarray(value, kinds.get(name, np.float32 if name == "value_floats" else None))


def _needed(nodes: list[Node], outputs: tuple[str, ...]) -> list[Node]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.isdisjoint(node.outputs):
            continue
        kept.append(node)
        wanted.update(node.inputs)
        for inner in node.graphs:
            wanted.update(inner.outputs, *(each.inputs for each in inner.walk()))
    return kept[::-1]


def with_linear_layers(graph: Graph) -> Graph:
    """Return `graph` with ``Linear`` in place of products with constant matrices that no other node takes.

    A product and the sum behind it become one layer; its weight is (out, in) as PyTorch's is.
    """
    uses, constants = graph.uses(), dict(graph.constants)
    takers = {name: node for node in graph.nodes for name in node.inputs}
    made: dict[int, Node] = {}
    gone: set[int] = set()
    for node in graph.nodes:
        layer = _gemm(node, constants, uses) if node.op == "Gemm" else _matmul(node, constants, uses)
        if layer is None:
            continue
        behind = takers.get(node.outputs[0])
        bias = _bias(layer, behind, constants) if uses[node.outputs[0]] == 1 and behind else ""
        if behind and bias:
            # It stands where the sum stood: the bias of another layer may be made in between.
            gone.add(id(node))
            made[id(behind)] = replace(layer, inputs=(*layer.inputs, bias), outputs=behind.outputs)
        else:
            made[id(node)] = layer
    nodes = [made.get(id(node), node) for node in graph.nodes if id(node) not in gone]
    return Graph(nodes, constants, graph.outputs)


def _matmul(node: Node, constants: dict[str, Array], uses: Mapping[str, int]) -> Node | None:
    weight = constants.get(node.inputs[1]) if node.op == "MatMul" else None
    if weight is None or weight.ndim != 2 or uses[node.inputs[1]] > 1:
        return None
    constants[node.inputs[1]] = np.ascontiguousarray(weight.T)
    return replace(node, op="Linear")


def _gemm(node: Node, constants: dict[str, Array], uses: Mapping[str, int]) -> Node | None:
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0}
    weight = constants.get(node.inputs[1])
    bias = constants.get(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    flips = not node.attributes.get("transB", 0)
    if weight is None or any(node.attributes.get(name, value) != value for name, value in plain.items()):
        return None
    out = weight.shape[1] if flips else weight.shape[0]
    named = len(node.inputs) > 2 and bool(node.inputs[2])
    if (flips and uses[node.inputs[1]] > 1) or (named and (bias is None or bias.shape != (out,))):
        return None
    if flips:
        constants[node.inputs[1]] = np.ascontiguousarray(weight.T)
    return replace(node, op="Linear", inputs=node.inputs if named else node.inputs[:2], attributes={})


def _bias(layer: Node, behind: Node, constants: Mapping[str, Array]) -> str:
    """Return the name of what `behind` adds to the layer, where that is one number for each output."""
    if behind.op != "Add" or len(layer.inputs) > 2:
        return ""
    other = behind.inputs[behind.inputs[0] == layer.outputs[0]]
    out = len(constants[layer.inputs[1]])
    held = constants.get(other)
    return other if held is not None and held.shape == (out,) else ""
