"""Graph surgery on ONNX models: outputs, constants, names, operator sets and fused patterns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from core.graphs.onnx.files import SINGLE_FILE_LIMIT, graphs, input_names, load, nodes, opset, output_names

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


def with_outputs(model: ModelProto, names: Iterable[str]) -> ModelProto:
    """Return a copy of `model` that returns the inner tensors `names` too, behind its own outputs."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    before = set(output_names(model))
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in before)
    return copy


def drop_shapes(model: ModelProto) -> None:
    """Forget the recorded shapes of inner tensors: stale ones make shape inference and quantizers fail."""
    for graph in graphs(model.graph):
        del graph.value_info[:]


def drop_weight_inputs(model: ModelProto) -> None:
    """Take the weights out of the inputs: where they may be overfed, no optimizer may fold them."""
    keep = set(input_names(model))
    kept = [value for value in model.graph.input if value.name in keep]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.ir_version = max(model.ir_version, 4)


def lift_constants(model: ModelProto) -> None:
    """Turn floats in Constant nodes into weights: exports of scripted networks keep whole layers there."""
    for graph in list(graphs(model.graph)):
        _lift(graph)


def _lift(graph: GraphProto) -> None:
    ends = {value.name for value in graph.output}
    for index in reversed(range(len(graph.node))):
        node = graph.node[index]
        values = [one for one in node.attribute if one.name == "value"] if node.op_type == "Constant" else []
        if values and values[0].t.data_type == values[0].t.FLOAT and node.output[0] not in ends:
            graph.initializer.append(values[0].t)
            graph.initializer[-1].name = node.output[0]
            del graph.node[index]


def name_nodes(model: ModelProto) -> int:
    """Give each node a name of its own, so that quantizers can refer to it; return how many shared one."""
    taken = {node.name for node in nodes(model)}
    seen: set[str] = set()
    shared = 0
    for index, node in enumerate(nodes(model)):
        if not node.name or node.name in seen:
            shared += bool(node.name)
            node.name = _free(f"{node.op_type}_{index}", taken)
        seen.add(node.name)
    return shared


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def untie_gemm_weights(model: ModelProto) -> None:
    """Give each Gemm a weight of its own.

    ONNX Runtime's dynamic quantizer transposes a Gemm's weight in place, once for each Gemm that shares it.
    """
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    uses = Counter(name for node in nodes(model) for name in node.input)
    for index, node in enumerate(nodes(model)):
        name = node.input[1] if node.op_type == "Gemm" else ""
        if name in held and uses[name] > 1:
            copied = model.graph.initializer.add()
            copied.CopyFrom(held[name])
            copied.name = node.input[1] = f"{name}_{index}"


def upgraded(model: ModelProto, target: int) -> ModelProto:
    """Return `model` in operator set `target` or newer.

    Raises:
        ValueError: A node has no counterpart in the newer set.
    """
    from onnx import version_converter

    if opset(model) >= target:
        return model
    drop_weight_inputs(model)
    drop_shapes(model)
    try:
        return version_converter.convert_version(model, target)
    except Exception as error:
        raise ValueError(f"opset {opset(model)} does not convert to {target}: {error}") from error


def fused(source: Path, target: Path, level: str) -> ModelProto:
    """Return the model in `source` as ONNX Runtime's optimizer of `level` (basic or extended) leaves it.

    Functions of the standard that the optimizer took apart are put together again where other runtimes
    have kernels for them.
    """
    import onnxruntime as ort

    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_EXTENDED if level == "extended" else levels.ORT_ENABLE_BASIC
    )
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    if source.stat().st_size > SINGLE_FILE_LIMIT // 2:
        key = "session.optimized_model_external_initializers_file_name"
        options.add_session_config_entry(key, target.name + ".data")
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    model = load(target)
    restore_hardswish(model)
    return model


def restore_hardswish(model: ModelProto) -> None:
    """Put HardSwish together again, which the optimizer took apart: OpenVINO has a kernel for it."""
    graph = model.graph
    gates = {node.output[0]: node for node in graph.node if _is_hardswish_gate(node)}
    for node in graph.node if opset(model) >= 14 else ():
        value = _gated_value(gates, *node.input) if node.op_type == "Mul" else None
        if value is not None:
            node.op_type = "HardSwish"
            del node.input[:]
            node.input.append(value)
    used = {name for inner in graphs(graph) for node in inner.node for name in node.input}
    used |= {value.name for value in graph.output}
    for name in gates.keys() - used:
        graph.node.remove(gates[name])


def _gated_value(gates: dict[str, NodeProto], one: str, other: str) -> str | None:
    for gate, value in ((one, other), (other, one)):
        if gate in gates and gates[gate].input[0] == value:
            return value
    return None


def _is_hardswish_gate(node: NodeProto) -> bool:
    given = {attribute.name: attribute.f for attribute in node.attribute}
    alpha, beta = given.get("alpha", 0.2), given.get("beta", 0.5)
    return node.op_type == "HardSigmoid" and abs(alpha - 1 / 6) < 1e-4 and beta == 0.5
