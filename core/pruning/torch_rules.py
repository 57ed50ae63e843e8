"""What each ATen operator of an exported program does to channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.pruning.atoms import Atoms
from core.pruning.tracer import Keep, Tracer

Node = Any
"""A `torch.fx.Node`."""


@dataclass
class Graph:
    """What the rules look at.

    Attributes:
        parts: Shapes of the tensors in a node's answer, where it returns several.
    """

    tracer: Tracer
    parts: Mapping[str, Sequence[tuple[int, ...]]]

    def rank(self, node: Node) -> int:
        """Return the number of axes of a node's tensor."""
        return len(self.tracer.shapes[key(node)])


def key(node: Node) -> str:
    """Return the name under which the tracer knows a node: a weight's own, or the node's."""
    return str(node.target) if node.op == "get_attr" else str(node.name)


def kind(node: Node) -> str:
    """Return the operator's name; those that work in place count as the others."""
    packet = getattr(node.target, "overloadpacket", None)
    name = str(getattr(packet, "__name__", getattr(node.target, "__name__", node.target)))
    return name if name.startswith("__") else name.rstrip("_")


def argument(node: Node, name: str, default: Any = None) -> Any:
    """Return an argument by the name in the operator's schema."""
    for at, spec in enumerate(node.target._schema.arguments):
        if spec.name == name:
            given = node.args[at] if at < len(node.args) else node.kwargs.get(name, spec.default_value)
            return default if given is None else given
    return default


def replace(node: Node, name: str, value: Any) -> None:
    """Set an argument by the name in the operator's schema."""
    names = [spec.name for spec in node.target._schema.arguments]
    if names.index(name) < len(node.args):
        node.update_arg(names.index(name), value)
    else:
        node.update_kwarg(name, value)


def follow(graph: Graph, node: Node) -> None:
    """Tell the tracer of `graph` what `node` does."""
    tracer = graph.tracer
    inputs = [each for each in node.all_input_nodes if key(each) in tracer.shapes or key(each) in graph.parts]
    if not inputs or node.op == "output" or kind(node).startswith(IGNORED):
        return
    rule = RULES.get(kind(node)) if node.op == "call_function" else None
    if rule is None or (key(node) not in tracer.shapes and key(node) not in graph.parts):
        tracer.unknown([key(each) for each in inputs], [key(node)], kind(node))
    else:
        rule(graph, node)


def _convolution(graph: Graph, node: Node) -> None:
    x, w, bias = (argument(node, name) for name in ("input", "weight", "bias"))
    turned = bool(argument(node, "transposed", "transpose" in kind(node)))
    groups = int(argument(node, "groups", 1))
    names = key(x), key(w), key(bias) if bias is not None else None
    if graph.tracer.convolution(*names, key(node), groups, turned):
        graph.tracer.edits.append(lambda keep: replace(node, "groups", graph.tracer.sizes(key(x), keep)[1]))


def _linear(graph: Graph, node: Node) -> None:
    x, w, bias = (argument(node, name) for name in ("input", "weight", "bias"))
    graph.tracer.linear(key(x), key(w), key(bias) if bias is not None else None, key(node))


def _product(graph: Graph, node: Node) -> None:
    x, y = node.args[:2]
    graph.tracer.product(key(x), key(y), key(node))


def _addmm(graph: Graph, node: Node) -> None:
    bias, x, w = (key(each) for each in node.args[:3])
    target = key(node)
    graph.tracer.product(x, w, target)
    held = graph.tracer.of(target)
    graph.tracer.elementwise([bias, target], target)
    graph.tracer.axes[target] = (held[0], graph.tracer.axes[target][1])


def _batch_norm(graph: Graph, node: Node) -> None:
    names = ("weight", "bias", "running_mean", "running_var")
    weights = [argument(node, name) for name in names]
    x = argument(node, "input")
    graph.tracer.per_channel(key(x), [key(each) for each in weights if each is not None], key(node))
    held = [None if each is None else graph.tracer.constants.get(key(each)) for each in weights]
    if held[0] is not None and held[3] is not None and kind(x).startswith(("conv", "linear")):
        spread = np.sqrt(np.maximum(held[3], 0) + float(argument(node, "eps", 1e-5)))
        graph.tracer.gain(key(argument(x, "weight")), held[0] / spread)


def _instance_norm(graph: Graph, node: Node) -> None:
    weights = [argument(node, name) for name in ("weight", "bias", "running_mean", "running_var")]
    x = key(argument(node, "input"))
    graph.tracer.per_channel(x, [key(each) for each in weights if each is not None], key(node))


def _elementwise(graph: Graph, node: Node) -> None:
    inputs = [key(each) for each in node.all_input_nodes if key(each) in graph.tracer.shapes]
    graph.tracer.elementwise(inputs, key(node), kind(node) in ("add", "sub"))


def _prelu(graph: Graph, node: Node) -> None:
    x, slope = (key(each) for each in node.args[:2])
    if graph.tracer.shapes[slope] in ((), (1,)):
        return graph.tracer.same(x, key(node))
    return graph.tracer.per_channel(x, [slope], key(node))


def _same(graph: Graph, node: Node) -> None:
    graph.tracer.same(key(node.args[0]), key(node))


def _reshape(graph: Graph, node: Node) -> None:
    tracer, source, target = graph.tracer, node.args[0], key(node)
    tracer.reshaped(key(source), target)
    name = {"view": "size", "_unsafe_view": "size", "reshape": "shape", "unflatten": "sizes"}.get(kind(node))
    if name is None or not tracer.moves(target):
        return
    wanted = list(argument(node, name))
    first = int(argument(node, "dim", 0)) % graph.rank(source) if kind(node) == "unflatten" else 0

    def edit(keep: Keep) -> None:
        sizes, axes = tracer.sizes(target, keep), tracer.of(target)
        ints = [axes[first + at] is not None for at in range(len(wanted))]
        replace(node, name, [sizes[first + at] if ints[at] else old for at, old in enumerate(wanted)])

    tracer.edits.append(edit)


def _pad(graph: Graph, node: Node) -> None:
    """Shortcuts of some residual networks pad channels with zeros; amounts come from the last axis on."""
    tracer, source, rank = graph.tracer, key(node.args[0]), graph.rank(node.args[0])
    amounts = list(argument(node, "pad"))
    plain = (
        all(isinstance(each, int) for each in amounts) and argument(node, "mode", "constant") == "constant"
    )
    if not plain or tracer.shapes[source][1:2] == tracer.shapes[key(node)][1:2]:
        return tracer.same(source, key(node))
    full = amounts + [0] * (2 * rank - len(amounts))
    fronts, backs = full[::2][::-1], full[1::2][::-1]
    padded = tracer.padded(source, key(node), fronts, backs)

    def edit(keep: Keep) -> None:
        new = list(full)
        for axis, atoms in enumerate(padded):
            if atoms is not None:
                at = 2 * (rank - 1 - axis)
                new[at] = int(keep(atoms[: fronts[axis]]).sum())
                new[at + 1] = int(keep(atoms[len(atoms) - backs[axis] :]).sum())
        replace(node, "pad", new[: len(amounts)])

    tracer.edits.append(edit)
    return None


def _permute(graph: Graph, node: Node) -> None:
    source, rank = node.args[0], graph.rank(node.args[0])
    order = list(range(rank))
    if kind(node) == "permute":
        order = [int(axis) % rank for axis in argument(node, "dims")]
    elif rank > 1:
        axes = (0, 1) if kind(node) in ("t", "numpy_T") else node.args[1:3]
        one, other = (int(axis) % rank for axis in axes)
        order[one], order[other] = order[other], order[one]
    graph.tracer.transposed(key(source), key(node), order)


def _cat(graph: Graph, node: Node) -> None:
    names = [key(each) for each in node.args[0]]
    graph.tracer.concatenated(names, key(node), int(argument(node, "dim", 0)))


def _split(graph: Graph, node: Node) -> None:
    """The parts are taken by the nodes behind; their number stays, their sizes are stated anew."""
    tracer, source = graph.tracer, node.args[0]
    axis = int(argument(node, "dim", 0)) % graph.rank(source)
    atoms = tracer.of(key(source))[axis]
    if atoms is None:
        return
    ends = np.cumsum([shape[axis] for shape in graph.parts[key(node)]])[:-1]

    def edit(keep: Keep) -> None:
        import torch

        sizes = [int(part.sum()) for part in np.split(keep(atoms), ends)]
        node.target = torch.ops.aten.split_with_sizes.default
        node.args, node.kwargs = (source, sizes, axis), {}

    tracer.edits.append(edit)


def _part(graph: Graph, node: Node) -> None:
    """One of several answers of a node."""
    tracer, (whole, number) = graph.tracer, node.args
    name = kind(whole)
    if name in SPLITS:
        source = whole.args[0]
        axis = int(argument(whole, "dim", 0)) % graph.rank(source)
        sizes = [shape[axis] for shape in graph.parts[key(whole)]]
        start = sum(sizes[:number])
        tracer.taken(key(source), key(node), axis, np.arange(start, start + sizes[number]))
    elif name == "unbind":
        axis = int(argument(whole, "dim", 0)) % graph.rank(whole.args[0])
        tracer.taken(key(whole.args[0]), key(node), axis, np.array(0))
    elif number == 0 and key(whole) in tracer.axes:
        tracer.axes[key(node)] = tracer.of(key(whole))
    else:
        tracer.unknown([key(whole)], [key(node)], name)


def _nothing(graph: Graph, node: Node) -> None:
    """What is known is said where the parts are taken."""


def _slice(graph: Graph, node: Node) -> None:
    tracer, source = graph.tracer, key(node.args[0])
    axis = int(argument(node, "dim", 0)) % graph.rank(node.args[0])
    start, end, step = argument(node, "start", 0), argument(node, "end", 2**62), argument(node, "step", 1)
    atoms = tracer.of(source)[axis]
    if atoms is None:
        tracer.axes[key(node)] = tracer.of(source)
        return
    if step != 1 or not isinstance(start, int) or not isinstance(end, int):
        tracer.unknown([source], [key(node)], "a slice with a step")
        return
    positions = np.arange(len(atoms))[start:end]
    tracer.taken(source, key(node), axis, positions)
    first = int(positions[0]) if positions.size else 0

    def edit(keep: Keep) -> None:
        stays = keep(atoms)
        node.args = (
            node.args[0], axis, int(stays[:first].sum()), int(stays[: first + positions.size].sum()), 1
        )  # fmt: skip
        node.kwargs = {}

    tracer.edits.append(edit)


def _select(graph: Graph, node: Node) -> None:
    axis = int(argument(node, "dim")) % graph.rank(node.args[0])
    graph.tracer.taken(key(node.args[0]), key(node), axis, np.array(0))


def _reduce(graph: Graph, node: Node) -> None:
    dims = argument(node, "dim")
    rank = graph.rank(node.args[0])
    axes = range(rank) if dims is None or dims == [] else [dims] if isinstance(dims, int) else dims
    graph.tracer.reduced(key(node.args[0]), key(node), axes, bool(argument(node, "keepdim", False)))


def _softmax(graph: Graph, node: Node) -> None:
    axis = int(argument(node, "dim")) % graph.rank(node.args[0])
    graph.tracer.axes[key(node)] = graph.tracer.freeze_axes(key(node.args[0]), [axis], "softmax")


def _layer_norm(graph: Graph, node: Node) -> None:
    tracer, source = graph.tracer, node.args[0]
    rank = graph.rank(source)
    weights = [argument(node, name) for name in ("weight", "bias")]
    tracer.freeze([key(each) for each in weights if each is not None], "a layer norm")
    width = len(argument(node, "normalized_shape"))
    tracer.axes[key(node)] = tracer.freeze_axes(key(source), range(rank - width, rank), "a layer norm")


def _attention(graph: Graph, node: Node) -> None:
    """Scores keep their width, values may lose some."""
    tracer, (query, keys, values) = graph.tracer, node.args[:3]
    tracer.freeze([key(query), key(keys)], "attention's scores")
    rank = graph.rank(values)
    tracer.freeze_axes(key(values), range(rank - 1), "attention's positions")
    others = [key(each) for each in node.all_input_nodes if each not in (query, keys, values)]
    tracer.freeze(others, "attention's mask")
    found: list[Atoms | None] = [None] * rank
    found[-1] = tracer.of(key(values))[-1]
    tracer.axes[key(node)] = tuple(found)


def _embedding(graph: Graph, node: Node) -> None:
    table, indices = node.args[:2]
    tracer = graph.tracer
    width = tracer.freeze_axes(key(table), [0], "a table")[1]
    tracer.axes[key(node)] = (*(None,) * graph.rank(indices), width)


def _expand(graph: Graph, node: Node) -> None:
    tracer, source, target = graph.tracer, key(node.args[0]), key(node)
    if tracer.moves(source):
        return tracer.unknown([source], [target], "an expansion")
    tracer.axes[target] = (None,) * len(tracer.shapes[target])
    return None


IGNORED = ("sym_size", "_assert", "_guards", "sym_constrain")
SPLITS = frozenset({"chunk", "split", "split_with_sizes"})

Rule = Callable[[Graph, Node], None]


def _all(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **_all(
        _same,
        "relu relu6 leaky_relu sigmoid tanh elu selu celu softplus softsign hardsigmoid hardswish "
        "hardtanh mish "
        "gelu silu erf abs neg exp log sqrt rsqrt reciprocal clamp clamp_min clamp_max square "
        "threshold softshrink "
        "hardshrink tanhshrink log_sigmoid clone contiguous alias detach to _to_copy lift_fresh_copy dropout "
        "feature_dropout alpha_dropout bitwise_not logical_not",
    ),
    **_all(
        _same,
        "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d max_pool2d_with_indices "
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d "
        "adaptive_max_pool2d "
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_bilinear2d upsample_bicubic2d",
    ),
    **_all(_elementwise, "add sub mul div pow maximum minimum where rsub eq ne gt ge lt le"),
    **_all(_reshape, "flatten view reshape _unsafe_view squeeze unsqueeze unflatten"),
    **_all(_reduce, "mean sum amax amin"),
    **_all(_softmax, "softmax _softmax log_softmax _log_softmax"),
    **_all(_permute, "permute transpose t numpy_T"),
    **_all(
        _convolution, "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution"
    ),
    **_all(_batch_norm, "batch_norm _native_batch_norm_legit_no_training"),
    **_all(_layer_norm, "layer_norm native_layer_norm"),
    **_all(_split, "chunk split split_with_sizes"),
    **_all(_product, "matmul mm bmm"),
    "unbind": _nothing,
    "getitem": _part,
    "linear": _linear,
    "addmm": _addmm,
    "instance_norm": _instance_norm,
    "prelu": _prelu,
    "cat": _cat,
    "pad": _pad,
    "constant_pad_nd": _pad,
    "slice": _slice,
    "select": _select,
    "scaled_dot_product_attention": _attention,
    "embedding": _embedding,
    "expand": _expand,
}
"""Rules by operator; all others freeze what they touch."""
