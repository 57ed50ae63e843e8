"""ONNX files: load, save, walk, count and run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
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


def save(model: ModelProto, path: Path, beside: bool | None = None) -> tuple[Path, ...]:
    """Write `model` and return its files, the graph first.

    Args:
        model: With its weights.
        path: Of the graph.
        beside: Whether large weights come into a file beside it; None where they do not fit into one.

    Raises:
        ValueError: They do not fit into one file, and are not to be beside it.
    """
    import onnx

    large = model.ByteSize() >= SINGLE_FILE_LIMIT
    if large and beside is False:
        raise ValueError("the weights are over 2 GB, which no single ONNX file can hold")
    data = path.with_suffix(path.suffix + ".data")
    data.unlink(missing_ok=True)  # onnx appends to what is there
    if not large and not beside:
        onnx.save(model, str(path))
        return (path,)
    onnx.save(model, str(path), save_as_external_data=True, location=data.name)
    return (path, data) if data.exists() else (path,)


def operators_file(path: Path) -> Path:
    """Return where the list of operators lies that a reduced ONNX Runtime needs for the .ort at `path`."""
    return path.with_suffix(".required_operators.config")


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
