"""Where static INT8 needs quantizers in an exported graph, so that runtimes fuse whole layers into 8 bits.

Inputs and weights of convolutions and linear layers, both sides of residual additions, and what pools or
joins the outputs of convolutions. Nothing stands between a convolution and the activation that runtimes fuse
into it. A maximum, a flattening or a joint keeps 8 bits, so that the quantizer stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.pruning.torch.operands import argument, kind

CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d"})
HEAVY = CONVOLUTIONS | {"linear"}
MOVES = frozenset(
    {"max_pool1d", "max_pool2d", "max_pool3d", "view", "reshape", "flatten", "permute", "transpose",
     "squeeze", "unsqueeze", "contiguous", "clone", "dropout", "feature_dropout"}
)  # fmt: skip
FUSED = frozenset(
    {"batch_norm", "relu", "relu6", "hardtanh", "clamp", "leaky_relu", "prelu", "elu", "silu", "gelu", "mish",
     "hardswish", "sigmoid", "hardsigmoid", "tanh"}
)  # fmt: skip
JOINTS = frozenset({"mean", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "cat"})
IMAGE_RANK = 4
"""Of tensors that all readers are given in 8 bits; the residual stream of a transformer stays in float."""

Node = Any
"""A `torch.fx.Node`."""


@dataclass(frozen=True)
class Points:
    """What to quantize.

    Attributes:
        layers: Convolutions and linear layers, in their order.
        groups: Tensors that share one range, each group in the order of the graph.
    """

    layers: list[Node]
    groups: list[list[Node]]


def quantization_points(module: Any) -> Points:
    """Return what static INT8 quantizes in `module`, a graph of ATen operators with shapes in its nodes."""
    nodes = list(module.graph.nodes)
    layers = [node for node in nodes if _is_heavy(node)]
    shared: dict[Node, Node] = {}

    def first(node: Node) -> Node:
        while shared.setdefault(node, node) is not node:
            node = shared[node]
        return node

    sums = [node for node in nodes if _is_sum(node)]
    summands = [side for node in sums for side in node.args[:2]]
    for read in (*(argument(node, "input") for node in layers), *summands, *_ends([*layers, *sums])):
        found = list(_sources(read))
        for each in found:
            shared[first(each)] = first(found[0])
    groups: dict[Node, list[Node]] = {}
    for node in nodes:
        if node in shared:
            groups.setdefault(first(node), []).append(node)
    return Points(layers, list(groups.values()))


def rank(node: Node) -> int:
    """Return the number of axes of a node's tensor, 0 where it is none of floats."""
    found = node.meta.get("val")
    return int(found.ndim) if getattr(found, "is_floating_point", bool)() else 0


def called(node: Any) -> str:
    """Return the name of the operator of a node, nothing for what is no call."""
    return kind(node) if getattr(node, "op", "") == "call_function" else ""


def _is_heavy(node: Node) -> bool:
    import torch

    if called(node) not in HEAVY or argument(node, "weight").op != "get_attr":
        return False
    held: Any = argument(node, "weight").meta.get("val")
    return held is not None and held.dtype == torch.float32 and rank(argument(node, "input")) > 0


def _is_sum(node: Node) -> bool:
    """Whether it adds two images."""
    sides = node.args[:2]
    if called(node) != "add" or not all(hasattr(each, "meta") and each.op != "get_attr" for each in sides):
        return False
    shapes = [getattr(each.meta.get("val"), "shape", None) for each in sides]
    return all(rank(each) == IMAGE_RANK for each in sides) and shapes[0] == shapes[1]


def _ends(layers: list[Node]) -> Iterator[Node]:
    """Yield what convolutions and sums with their activations give to pools and joints."""
    for node in layers:
        while len(node.users) == 1 and called(next(iter(node.users))) in FUSED:
            node = next(iter(node.users))
        if called(node) != "linear" and any(called(user) in JOINTS for user in node.users):
            yield node


def _sources(node: Node) -> Iterator[Node]:
    """Yield the tensors whose values `node` holds."""
    if called(node) == "cat":
        for each in node.args[0]:
            yield from _sources(each)
    elif called(node) in MOVES:
        yield from _sources(node.args[0])
    else:
        yield node
