"""What several parts need to do with ONNX files: open, save, count, convert, run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.protocols import Array, Feed

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

SINGLE_FILE_LIMIT = 2_000_000_000
"""Protobuf refuses messages of 2 GiB: larger models keep their weights in a file beside the graph."""


def load(path: Path, weights: bool = True) -> ModelProto:
    """Return the model in `path`; without `weights`, external ones stay on disk.

    They are read here because onnx refuses files that have a second name on the disk, as all laid out from
    the store have. That none lies outside of the model's folder was checked when it was uploaded.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    if weights:
        for tensor in tensors(model):
            if tensor.data_location == tensor.EXTERNAL:
                _fill(tensor, path.parent)
    return model


def tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Yield every constant of the model: initializers and attributes, in subgraphs and functions too."""
    for graph in graphs(model.graph):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes(model):
        for attribute in node.attribute:
            yield from (*((attribute.t,) if attribute.HasField("t") else ()), *attribute.tensors)


def _fill(tensor: TensorProto, folder: Path) -> None:
    place = {entry.key: entry.value for entry in tensor.external_data}
    with (folder / place["location"]).open("rb") as file:
        file.seek(int(place.get("offset", 0)))
        tensor.raw_data = file.read(int(place.get("length", -1)))
    tensor.data_location = tensor.DEFAULT
    del tensor.external_data[:]


def save(model: ModelProto, path: Path) -> tuple[Path, ...]:
    """Write `model` and return its files, the graph first; one file unless it is too large for that."""
    import onnx

    if model.ByteSize() < SINGLE_FILE_LIMIT:
        onnx.save(model, str(path))
        return (path,)
    data = path.with_suffix(path.suffix + ".data")
    data.unlink(missing_ok=True)  # onnx appends to what is there
    onnx.save(model, str(path), save_as_external_data=True, location=data.name)
    return (path, data)


def opset(model: ModelProto) -> int:
    """Return the version of the standard operator set."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """Yield `graph` and the graphs inside its nodes (branches of If, bodies of Loop and Scan)."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
                yield from graphs(inner)


def nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Yield all nodes, those of subgraphs and local functions too."""
    for graph in graphs(model.graph):
        yield from graph.node
    for function in model.functions:
        yield from function.node


def count_ops(model: ModelProto) -> Counter[str]:
    """Return how many nodes there are of each operator type."""
    return Counter(node.op_type for node in nodes(model))


def weights(model: ModelProto) -> set[str]:
    """Return the names of the constants of the main graph."""
    constants = {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    return {tensor.name for tensor in model.graph.initializer} | constants


def input_names(model: ModelProto) -> list[str]:
    """Return the inputs that must be fed; files of old IR versions list their weights among them."""
    held = {tensor.name for tensor in model.graph.initializer}
    return [value.name for value in model.graph.input if value.name not in held]


def output_names(model: ModelProto) -> list[str]:
    """Return the names of the outputs in order."""
    return [value.name for value in model.graph.output]


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


def session(source: Path | bytes, threads: int = 1, optimize: bool = True) -> Any:
    """Return an ONNX Runtime session on the CPU that prints nothing."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = source if isinstance(source, bytes) else str(source)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(opened: Any, feed: Feed) -> list[Array]:
    """Return the outputs of an ONNX Runtime session; inputs that its graph does not have are left out."""
    known = {entry.name for entry in opened.get_inputs()}
    answer: Sequence[Array] = opened.run(None, {name: array for name, array in feed.items() if name in known})
    return list(answer)


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
