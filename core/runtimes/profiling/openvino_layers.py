"""Layers of a model that OpenVINO compiled: times by the plugin's counters, the rest by its runtime graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import prod
from typing import Any

from core.domain.profile import LayerKind, LayerProfile

Shape = tuple[int, ...]
Rule = Callable[[list[Shape], Shape, Any], int]

PRECISIONS = {
    "f32": "FP32", "f16": "FP16", "bf16": "BF16", "f64": "FP64", "i8": "INT8", "u8": "INT8", "i4": "INT4",
    "u4": "INT4", "i32": "INT32", "i64": "INT64", "boolean": "BOOL",
}  # fmt: skip
SPLIT = "/WithoutBiases"
"""What reading an ONNX file appends to the name of a node that it takes apart."""
CASTS = frozenset({"Convert", "FakeQuantize", "Quantize"})
HIDING = frozenset({"If", "Loop", "TensorIterator"})
"""Layers that run graphs of their own, whose work the plugin does not tell."""


def executed(times: dict[str, float], compiled: Any, original: Any) -> tuple[LayerProfile, ...]:
    """Return the layers that ran.

    Args:
        times: Milliseconds of a call by the name of each executed step.
        compiled: The model; its runtime graph holds shapes and precisions as they are executed.
        original: The model before it was compiled, for the work of what was fused.
    """
    graph = {node.get_friendly_name(): node for node in compiled.get_runtime_model().get_ordered_ops()}
    work = source_macs(original)
    known = {node.get_friendly_name() for node in original.get_ordered_ops()}
    layers = [_layer(name, ms, graph[name], work, known) for name, ms in times.items() if name in graph]
    names = _plain(times)
    return tuple(
        replace(each, name=names[each.name], inputs=tuple(names[name] for name in _ran(each, graph, times)))
        for each in layers
    )


def _plain(names: Iterable[str]) -> dict[str, str]:
    """Return each name as the model has it, where that stays unique."""
    taken = set(names)
    found: dict[str, str] = {}
    for name in names:
        plain = name.removesuffix(SPLIT)
        found[name] = name if plain in taken else plain
        taken.add(found[name])
    return found


def _ran(layer: LayerProfile, graph: dict[str, Any], times: dict[str, float]) -> tuple[str, ...]:
    """Return the layers that it reads; steps that were optimized out stand for what they read."""
    found, waiting = dict[str, None](), list(layer.inputs)
    while waiting:
        name = waiting.pop(0)
        if name in times:
            found[name] = None
        elif name in graph:
            ports = graph[name].inputs()
            waiting += [port.get_source_output().get_node().get_friendly_name() for port in ports]
    return tuple(found)


def _layer(name: str, ms: float, node: Any, work: dict[str, int], known: set[str]) -> LayerProfile:
    told = {key: str(value.astype(str)) for key, value in node.get_rt_info().items()}
    operator, kernel = told.get("layerType", ""), told.get("primitiveType", "")
    behind = [each for each in told.get("originalLayersNames", "").split(",") if each]
    sources = [port.get_source_output() for port in node.inputs()]
    constants = [port for port in sources if _is_constant(port.get_node())]
    inputs = [port.get_node().get_friendly_name() for port in sources if port not in constants]
    outputs = list(node.outputs())
    shape = _shape(outputs[0]) if outputs else ()
    counted = _macs(operator, sources, shape)
    if counted is None and operator not in HIDING:
        counted = sum(work.get(each, 0) for each in behind)
    return LayerProfile(
        name,
        operator,
        ms,
        precision=PRECISIONS.get(told.get("runtimePrecision", ""), ""),
        kind=_kind(operator, sources, outputs),
        kernel=kernel,
        macs=counted,
        bytes=sum(_bytes(port) for port in (*sources, *outputs)),
        parameters=sum(prod(_shape(port)) for port in constants if len(_shape(port)) > 1 or counted),
        nodes=tuple(dict.fromkeys(each.removesuffix(SPLIT) for each in behind if each in known)),
        inputs=tuple(dict.fromkeys(inputs)),
        shape=shape,
    )


def _kind(operator: str, sources: list[Any], outputs: list[Any]) -> LayerKind:
    if operator in CASTS:
        return LayerKind.QUANTIZE
    if operator != "Reorder":
        return LayerKind.COMPUTE
    casts = sources and outputs and sources[0].get_element_type() != outputs[0].get_element_type()
    return LayerKind.QUANTIZE if casts else LayerKind.REORDER


def _is_constant(node: Any) -> bool:
    info = node.get_rt_info()
    return "layerType" in info and str(info["layerType"].astype(str)) in ("Const", "Constant")


def _shape(port: Any) -> Shape:
    found = port.get_partial_shape()
    return tuple(found.to_shape()) if found.is_static else ()


def _bytes(port: Any) -> int:
    return prod(_shape(port)) * int(port.get_element_type().bitwidth) // 8


def _macs(operator: str, sources: list[Any], out: Shape) -> int | None:
    """Return the work of an executed layer by its shapes; None for operators that are not of this kind."""
    shapes = [_shape(port) for port in sources]
    if len(shapes) < 2 or not out or not all(shapes[:2]):
        return None
    data, weights = shapes[:2]
    # Weights of grouped convolutions have the groups in front.
    inner = weights[2:] if len(weights) > len(data) else weights[1:]
    if operator == "Convolution":
        return prod(out) * prod(inner)
    if operator == "Deconvolution":
        return prod(data) * prod(inner)
    if operator == "FullyConnected":
        return prod(out) * data[-1]
    return None


def source_macs(model: Any) -> dict[str, int]:
    """Return the multiply-accumulates of each node of an OpenVINO model with fixed shapes, by its name."""
    found = ((node.get_friendly_name(), _source_macs(node)) for node in model.get_ordered_ops())
    return {name: macs for name, macs in found if macs}


def _source_macs(node: Any) -> int:
    kind, ports = node.get_type_name(), [port.get_source_output() for port in node.inputs()]
    if kind not in RULES:
        return 0
    shapes = [_shape(port) for port in ports]
    return RULES[kind](shapes, _shape(node.output(0)), node)


def _matmul(shapes: list[Shape], out: Shape, node: Any) -> int:
    first = shapes[0]
    if not first:
        return 0
    return prod(out) * (
        first[-2] if node.get_attributes().get("transpose_a") and len(first) > 1 else first[-1]
    )


def _recurrent(weights: int) -> Rule:
    """Count the weights of input and recurrence, at this input and the next, once per sample and step."""

    def rule(shapes: list[Shape], _: Shape, node: Any) -> int:
        steps = 2 if node.get_type_name().endswith("Sequence") else 1
        return prod(shapes[0][:steps]) * (prod(shapes[weights]) + prod(shapes[weights + 1]))

    return rule


RULES: dict[str, Rule] = {
    "Convolution": lambda shapes, out, _: prod(out) * prod(shapes[1][1:]),
    "GroupConvolution": lambda shapes, out, _: prod(out) * prod(shapes[1][2:]),
    "ConvolutionBackpropData": lambda shapes, _, __: prod(shapes[0]) * prod(shapes[1][1:]),
    "GroupConvolutionBackpropData": lambda shapes, _, __: prod(shapes[0]) * prod(shapes[1][2:]),
    "MatMul": _matmul,
    "LSTMSequence": _recurrent(4),
    "GRUSequence": _recurrent(3),
    "RNNSequence": _recurrent(3),
    "LSTMCell": _recurrent(3),
    "GRUCell": _recurrent(2),
    "RNNCell": _recurrent(2),
}
