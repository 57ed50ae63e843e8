"""Channel dependencies of ONNX compute operators: convolutions, products, normalization, sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.pruning.dependency_groups import Keep
from core.pruning.onnx.operands import OnnxGraph, attributes, set_attribute

if TYPE_CHECKING:
    from onnx import NodeProto


def conv(graph: OnnxGraph, node: NodeProto) -> None:
    """Channels of the input meet the weight, channels of the output come out of it."""
    x, w, *rest = node.input
    bias = rest[0] if rest and rest[0] else None
    groups = int(attributes(node).get("group", 1))
    transposed = node.op_type == "ConvTranspose"
    if graph.tracer.convolution(x, w, bias, node.output[0], groups, transposed):

        def edit(keep: Keep) -> None:
            set_attribute(node, "group", graph.tracer.sizes(x, keep)[1])

        graph.tracer.edits.append(edit)


def gemm(graph: OnnxGraph, node: NodeProto) -> None:
    """A product of the input and a constant matrix, with a bias."""
    given = attributes(node)
    x, w, *rest = node.input
    if given.get("transA") or not graph.is_constant(w):
        return graph.tracer.unknown(node.input, node.output, "Gemm of two computed matrices")
    bias = rest[0] if rest and rest[0] else None
    return graph.tracer.linear(x, w, bias, node.output[0], bool(given.get("transB")))


def batch_norm(graph: OnnxGraph, node: NodeProto) -> None:
    """One number per channel; its gain counts towards the importance of the layer before it."""
    x, *weights = node.input
    graph.tracer.per_channel(x, weights, node.output[0])
    maker = next((each for each in graph.model.graph.node if x in each.output), None)
    if maker is not None and maker.op_type in ("Conv", "Gemm") and len(weights) == 4:
        scale, _, _, variance = (graph.known.get(name) for name in weights)
        if scale is not None and variance is not None:
            spread = np.sqrt(np.maximum(variance, 0) + float(attributes(node).get("epsilon", 1e-5)))
            graph.tracer.multiply(maker.input[1], scale / spread, scale)


def elementwise(graph: OnnxGraph, node: NodeProto) -> None:
    """Sums, products and comparisons tie what they broadcast together."""
    adds = node.op_type in ("Add", "Sub", "Sum")
    graph.tracer.elementwise([name for name in node.input if name], node.output[0], adds)


def reduce(graph: OnnxGraph, node: NodeProto) -> None:
    """A mean, sum or norm along axes."""
    tracer, source = graph.tracer, node.input[0]
    rank = len(tracer.shapes[source])
    axes = graph.operand(node, 1, "axes")
    given = attributes(node)
    if not axes and given.get("noop_with_empty_axes"):
        return tracer.same(source, node.output[0])
    keep = bool(given.get("keepdims", 1))
    return tracer.reduced(source, node.output[0], axes or range(rank), keep)


def arg(graph: OnnxGraph, node: NodeProto) -> None:
    """The position of the largest or smallest value along an axis."""
    given = attributes(node)
    axes = [int(given.get("axis", 0))]
    graph.tracer.reduced(node.input[0], node.output[0], axes, bool(given.get("keepdims", 1)))


def softmax(graph: OnnxGraph, node: NodeProto) -> None:
    """Before operator set 13, all axes from `axis` on were one."""
    tracer, source = graph.tracer, node.input[0]
    rank, old = len(tracer.shapes[source]), onnx_files.opset(graph.model) < 13
    axis = int(attributes(node).get("axis", 1 if old else -1)) % rank
    over = range(axis, rank) if old else [axis]
    tracer.axes[node.output[0]] = tracer.freeze_axes(source, over, node.op_type)


def layer_norm(graph: OnnxGraph, node: NodeProto) -> None:
    """Its mean goes over channels, so they stay."""
    tracer, source = graph.tracer, node.input[0]
    rank = len(tracer.shapes[source])
    axis = int(attributes(node).get("axis", -1)) % rank
    tracer.freeze(node.input[1:], "a layer norm")
    tracer.axes[node.output[0]] = tracer.freeze_axes(source, range(axis, rank), "a layer norm")
