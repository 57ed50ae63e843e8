"""Channel dependencies of ATen compute operators: convolutions, products, normalization, sums."""

from __future__ import annotations

import numpy as np

from core.pruning.channel_sets import ChannelIds
from core.pruning.torch.operands import ExportedGraph, Node, argument, key, kind, replace


def convolution(graph: ExportedGraph, node: Node) -> None:
    """Channels of the input meet the weight, channels of the output come out of it."""
    x, w, bias = (argument(node, name) for name in ("input", "weight", "bias"))
    transposed = bool(argument(node, "transposed", "transpose" in kind(node)))
    groups = int(argument(node, "groups", 1))
    names = key(x), key(w), key(bias) if bias is not None else None
    if graph.tracer.convolution(*names, key(node), groups, transposed):
        graph.tracer.edits.append(lambda keep: replace(node, "groups", graph.tracer.sizes(key(x), keep)[1]))


def linear(graph: ExportedGraph, node: Node) -> None:
    """A product of the input and a weight (out, in), with a bias."""
    x, w, bias = (argument(node, name) for name in ("input", "weight", "bias"))
    graph.tracer.linear(key(x), key(w), key(bias) if bias is not None else None, key(node))


def product(graph: ExportedGraph, node: Node) -> None:
    """A product of two tensors."""
    x, y = node.args[:2]
    graph.tracer.product(key(x), key(y), key(node))


def addmm(graph: ExportedGraph, node: Node) -> None:
    """A product of two matrices and a sum with a third."""
    bias, x, w = (key(each) for each in node.args[:3])
    target = key(node)
    graph.tracer.product(x, w, target)
    held = graph.tracer.of(target)
    graph.tracer.elementwise([bias, target], target)
    graph.tracer.axes[target] = (held[0], graph.tracer.axes[target][1])


def batch_norm(graph: ExportedGraph, node: Node) -> None:
    """One number per channel; its gain counts towards the importance of the layer before it."""
    names = ("weight", "bias", "running_mean", "running_var")
    weights = [argument(node, name) for name in names]
    x = argument(node, "input")
    graph.tracer.per_channel(key(x), [key(each) for each in weights if each is not None], key(node))
    held = [None if each is None else graph.tracer.constants.get(key(each)) for each in weights]
    if held[0] is not None and held[3] is not None and kind(x).startswith(("conv", "linear")):
        spread = np.sqrt(np.maximum(held[3], 0) + float(argument(node, "eps", 1e-5)))
        graph.tracer.multiply(key(argument(x, "weight")), held[0] / spread, held[0])


def instance_norm(graph: ExportedGraph, node: Node) -> None:
    """One number per channel."""
    weights = [argument(node, name) for name in ("weight", "bias", "running_mean", "running_var")]
    x = key(argument(node, "input"))
    graph.tracer.per_channel(x, [key(each) for each in weights if each is not None], key(node))


def layer_norm(graph: ExportedGraph, node: Node) -> None:
    """Its mean goes over channels, so they stay."""
    tracer, source = graph.tracer, node.args[0]
    rank = graph.rank(source)
    weights = [argument(node, name) for name in ("weight", "bias")]
    tracer.freeze([key(each) for each in weights if each is not None], "a layer norm")
    width = len(argument(node, "normalized_shape"))
    tracer.axes[key(node)] = tracer.freeze_axes(key(source), range(rank - width, rank), "a layer norm")


def prelu(graph: ExportedGraph, node: Node) -> None:
    """One slope per channel, or one for all."""
    x, slope = (key(each) for each in node.args[:2])
    if graph.tracer.shapes[slope] in ((), (1,)):
        return graph.tracer.same(x, key(node))
    return graph.tracer.per_channel(x, [slope], key(node))


def elementwise(graph: ExportedGraph, node: Node) -> None:
    """Sums, products and comparisons tie what they broadcast together."""
    inputs = [key(each) for each in node.all_input_nodes if key(each) in graph.tracer.shapes]
    graph.tracer.elementwise(inputs, key(node), kind(node) in ("add", "sub"))


def reduce(graph: ExportedGraph, node: Node) -> None:
    """A mean, a sum or an extreme along axes."""
    dims = argument(node, "dim")
    rank = graph.rank(node.args[0])
    axes = range(rank) if dims is None or dims == [] else [dims] if isinstance(dims, int) else dims
    graph.tracer.reduced(key(node.args[0]), key(node), axes, bool(argument(node, "keepdim", False)))


def softmax(graph: ExportedGraph, node: Node) -> None:
    """The probabilities of an axis sum to one, so it stays."""
    axis = int(argument(node, "dim")) % graph.rank(node.args[0])
    graph.tracer.axes[key(node)] = graph.tracer.freeze_axes(key(node.args[0]), [axis], "softmax")


def attention(graph: ExportedGraph, node: Node) -> None:
    """Scores keep their width, values may lose some."""
    tracer, (query, keys, values) = graph.tracer, node.args[:3]
    tracer.freeze([key(query), key(keys)], "attention's scores")
    rank = graph.rank(values)
    tracer.freeze_axes(key(values), range(rank - 1), "attention's positions")
    others = [key(each) for each in node.all_input_nodes if each not in (query, keys, values)]
    tracer.freeze(others, "attention's mask")
    found: list[ChannelIds | None] = [None] * rank
    found[-1] = tracer.of(key(values))[-1]
    tracer.axes[key(node)] = tuple(found)


def embedding(graph: ExportedGraph, node: Node) -> None:
    """Rows are looked up; their width may shrink."""
    table, indices = node.args[:2]
    tracer = graph.tracer
    width = tracer.freeze_axes(key(table), [0], "a table")[1]
    tracer.axes[key(node)] = (*(None,) * graph.rank(indices), width)
