"""Layers of an ONNX Runtime session: times by its profiler's file, the rest by the graph it optimized."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from core.domain.profile import LayerKind, LayerProfile
from core.graphs.onnx.fused import sources
from core.graphs.onnx.macs import RULES

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Shape = tuple[int, ...]
ENDING = "_kernel_time"
PRECISIONS = {
    "float": "FP32", "float16": "FP16", "bfloat16": "BF16", "double": "FP64", "int8": "INT8", "uint8": "INT8",
    "int32": "INT32", "int64": "INT64", "bool": "BOOL",
}  # fmt: skip
INT8 = re.compile(r"^(Q[A-Z]|DynamicQuantize[A-Z])|Integer")
"""Operators that multiply in INT8, though some of them take and give floats."""
CASTS = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast"})
REORDERS = frozenset({"ReorderInput", "ReorderOutput"})
WORK = RULES | {
    "FusedGemm": RULES["Gemm"],
    "QGemm": RULES["Gemm"],
    "MatMulIntegerToFloat": RULES["MatMul"],
    "DynamicQuantizeMatMul": RULES["MatMul"],
    "MatMulNBits": RULES["MatMul"],
    "DynamicQuantizeLSTM": RULES["LSTM"],
}
BLOCKED = "com.microsoft.nchwc"
"""Domain of the convolutions whose channels lie in blocks."""
UNCOUNTED = frozenset({"Attention", "QAttention", "MultiHeadAttention", "GroupQueryAttention", "Einsum"})
SCALES = {
    "QLinearConv": {1, 2, 4, 5, 6, 7}, "QLinearMatMul": {1, 2, 4, 5, 6, 7}, "QGemm": {1, 2, 4, 5, 7, 8},
    "MatMulInteger": {2, 3}, "MatMulIntegerToFloat": {2, 3, 4, 5}, "DynamicQuantizeMatMul": {2, 3},
    "MatMulNBits": {2, 3}, "QuantizeLinear": {1, 2}, "DequantizeLinear": {1, 2},
}  # fmt: skip
"""Positions of inputs that hold scales and zero points, which are no weights."""


@dataclass
class _Seen:
    """What the profiler says of one node over all calls."""

    event: Mapping[str, Any]
    first: int
    us: float = 0.0
    count: int = 0


@dataclass(frozen=True)
class Optimized:
    """The optimized graph.

    Attributes:
        nodes: By name.
        constants: Sizes and element size in bytes of each stored tensor.
        covered: Names of the nodes of the original graph that each node stands for.
        weights: Sizes of the weights of each node of the original graph that has some.
    """

    nodes: dict[str, NodeProto] = field(default_factory=dict)
    constants: dict[str, tuple[Shape, float]] = field(default_factory=dict)
    covered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    weights: dict[str, Shape] = field(default_factory=dict)

    @classmethod
    def of(cls, model: ModelProto, original: ModelProto) -> Optimized:
        """Return what is needed of both graphs."""
        from onnx.helper import tensor_dtype_to_np_dtype

        from core.graphs.onnx import files as onnx_files

        constants = {
            each.name: (tuple(each.dims), float(tensor_dtype_to_np_dtype(each.data_type).itemsize))
            for graph in onnx_files.graphs(model.graph)
            for each in graph.initializer
        }
        nodes = {node.name: node for node in onnx_files.nodes(model) if node.name}
        stored = {each.name: tuple(each.dims) for each in original.graph.initializer}
        weights = {
            node.name: stored[node.input[1]]
            for node in original.graph.node
            if node.op_type == "Conv" and node.input[1] in stored
        }
        return cls(nodes, constants, sources(model, original), weights)


def executed(
    events: Iterable[Mapping[str, Any]], warm: int, calls: int, graph: Optimized
) -> tuple[LayerProfile, ...]:
    """Return the layers that ran.

    Args:
        events: Of the profiler's file.
        warm: Calls that do not count.
        calls: Those after them.
        graph: The optimized graph; an empty one tells no work and no sources.
    """
    seen = _summed(list(events), warm)
    makers = {name: node for node, each in graph.nodes.items() for name in each.output}
    found = sorted(seen.items(), key=lambda item: item[1].first)
    return tuple(_layer(name, each, calls, graph, makers) for name, each in found)


def _summed(events: list[Mapping[str, Any]], warm: int) -> dict[str, _Seen]:
    """Return the nodes by name with the time of each, less that of nodes inside their subgraphs."""
    begins = sorted(int(event["ts"]) for event in events if event.get("name") == "model_run")
    start = begins[warm] if warm < len(begins) else 0
    ran = [each for each in events if each.get("cat") == "Node" and str(each["name"]).endswith(ENDING)]
    ran = sorted((each for each in ran if each["ts"] >= start), key=lambda each: (each["ts"], -each["dur"]))
    seen: dict[str, _Seen] = {}
    outer: dict[Any, list[tuple[int, _Seen]]] = defaultdict(list)
    for event in ran:
        name = str(event["name"]).removesuffix(ENDING)
        operator = event["args"].get("op_name", "")
        # Nodes without a name, or of one name in two branches, are told apart by their place.
        key = name or f"{operator}_{event['args'].get('node_index', '')}"
        each = seen.setdefault(key, _Seen(event, int(event["ts"])))
        begin, took = int(event["ts"]), int(event["dur"])
        within = outer[event.get("tid")]
        while within and begin >= within[-1][0]:
            within.pop()
        if within:
            within[-1][1].us -= took
        each.us += took
        each.count += 1
        within.append((begin + took, each))
    return seen


def _layer(name: str, seen: _Seen, calls: int, graph: Optimized, makers: Mapping[str, str]) -> LayerProfile:
    args, node = seen.event["args"], graph.nodes.get(name)
    operator = str(args.get("op_name", ""))
    types, told = _told(args.get("input_type_shape", ()))
    made, outputs = _told(args.get("output_type_shape", ()))
    covered = graph.covered.get(name, ())
    constants = _constants(node, graph)
    work: int | None = None if operator in UNCOUNTED or (node is None and operator in WORK) else 0
    shapes = _shapes(node, told, outputs, graph) if node is not None else {}
    if node is not None and operator in WORK:
        work = _work(node, operator, shapes)
    scales = SCALES.get(operator, set())
    numbers = [prod(shapes[name]) for at, name, _ in constants if at not in scales]
    sizes = (int(args.get(key, 0) or 0) for key in ("activation_size", "output_size"))
    kind = _kind(operator, covered, bool(graph.covered))
    # The body of a loop runs several times in a call, a branch perhaps in none.
    times = seen.count / max(1, calls)
    first = (made if kind is LayerKind.QUANTIZE else types)[:1]
    inputs = (makers[each] for each in node.input if each in makers) if node is not None else ()
    return LayerProfile(
        name,
        operator,
        max(0.0, seen.us) / 1000 / max(1, calls),
        precision="INT8" if INT8.search(operator) else PRECISIONS.get("".join(first), ""),
        kind=kind,
        kernel=(node.domain if node is not None else "") or str(args.get("provider", "")),
        macs=work and round(work * times),
        bytes=round(times * (sum(sizes) + sum(prod(shapes[name]) * size for _, name, size in constants))),
        parameters=sum(numbers) if node is not None else None,
        nodes=covered,
        inputs=tuple(dict.fromkeys(inputs)),
        shape=outputs[0] if outputs else (),
    )


def _kind(operator: str, covered: tuple[str, ...], known: bool) -> LayerKind:
    if operator in CASTS:
        return LayerKind.QUANTIZE
    # One that the original graph does not have was put in for a kernel that wants another layout.
    if operator in REORDERS or (operator == "Transpose" and known and not covered):
        return LayerKind.REORDER
    return LayerKind.COMPUTE


def _told(entries: Iterable[Mapping[str, list[int]]]) -> tuple[list[str], list[Shape]]:
    """Return the element types and the shapes in a list such as ``[{"float": [1, 3, 32, 32]}]``."""
    pairs = [pair for entry in entries for pair in entry.items()]
    return [kind for kind, _ in pairs], [tuple(shape) for _, shape in pairs]


def _constants(node: NodeProto | None, graph: Optimized) -> list[tuple[int, str, float]]:
    """Return position, name and element size of the stored inputs."""
    names = list(node.input) if node is not None else []
    return [(at, name, graph.constants[name][1]) for at, name in enumerate(names) if name in graph.constants]


def _shapes(node: NodeProto, told: list[Shape], outputs: list[Shape], graph: Optimized) -> dict[str, Shape]:
    """Return the shapes of a node's tensors; the profiler leaves out weights that a kernel has packed."""
    shapes, left = dict(zip(node.output, outputs, strict=False)), list(told)
    for name in node.input:
        stored = graph.constants.get(name)
        if stored is not None:
            shapes[name] = stored[0]
            if left and left[0] == stored[0]:
                left.pop(0)
        elif name and left:
            shapes[name] = left.pop(0)
    given = [graph.weights[each] for each in graph.covered.get(node.name, ()) if each in graph.weights]
    if node.domain == BLOCKED and given:
        # Channels are filled up to whole blocks; that is no work of the network.
        shapes[node.input[1]] = given[0]
        made = shapes[node.output[0]]
        shapes[node.output[0]] = (made[0], given[0][0], *made[2:])
    return shapes


def _work(node: NodeProto, operator: str, shapes: dict[str, Shape]) -> int | None:
    try:
        return WORK[operator](node, shapes)
    except (KeyError, IndexError):
        return None
