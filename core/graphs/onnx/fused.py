"""Nodes of an ONNX graph that each node of the graph which ONNX Runtime made of it stands for."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

ADDED = re.compile(r"(_nchwc|_token_\d+|_quant)+$")
"""What ONNX Runtime appends to the name of a node, or of its output, when it replaces the node."""
EPILOGUE = frozenset(
    {"Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Add", "Sum"}
    | {"BatchNormalization", "QuantizeLinear"}
)
"""Operators that are computed at the end of a convolution or a product before it is stored."""


def sources(optimized: ModelProto, original: ModelProto) -> dict[str, tuple[str, ...]]:
    """Return the names of the original nodes behind each node of the optimized graph, by its name.

    A node keeps its name, or that of its output tensor, in most replacements: these are found first. What
    was fused behind such a node follows from who reads its output, and what was fused before a tensor that
    both graphs have follows from who made it.
    """
    nodes = list(original.graph.node)
    makers = {name: at for at, node in enumerate(nodes) for name in node.output}
    readers: dict[str, list[int]] = defaultdict(list)
    for at, node in enumerate(nodes):
        for name in node.input:
            readers[name].append(at)
    owner, ends = _anchors(optimized, nodes, makers)
    for at in [at for at in owner if at not in ends]:
        _claim_behind(at, nodes, readers, owner)
    for at in sorted(ends, reverse=True):
        _claim_before(at, nodes, makers, owner)
    for at in sorted(owner, reverse=True):  # what is left belongs to the node that reads it
        _claim_before(at, nodes, makers, owner)
    found: dict[str, list[str]] = defaultdict(list)
    for at in sorted(at for at in owner if nodes[at].op_type != "Constant"):
        found[owner[at]].append(nodes[at].name or nodes[at].output[0])
    return {name: tuple(each) for name, each in found.items()}


def _anchors(
    optimized: ModelProto, nodes: list[NodeProto], makers: dict[str, int]
) -> tuple[dict[int, str], set[int]]:
    """Return the owners of original nodes by name, and which of these make a tensor of both graphs."""
    named = {node.name: at for at, node in enumerate(nodes) if node.name}
    owner: dict[int, str] = {}
    ends: set[int] = set()
    for node in optimized.graph.node:
        made = next((makers[name] for name in node.output if name in makers), None)
        plain = ADDED.sub("", node.name)
        at = made if made is not None else named.get(plain, makers.get(plain))
        if at is not None and at not in owner:
            owner[at] = node.name
            if made is not None:
                ends.add(at)
    return owner, ends


def _claim_behind(
    at: int, nodes: list[NodeProto], readers: dict[str, list[int]], owner: dict[int, str]
) -> None:
    """Give the only reader of a node's output, and its only reader, to the same owner."""
    mine = owner[at]
    while True:
        behind = [each for name in nodes[at].output for each in readers[name] if each not in owner]
        if len(behind) != 1 or nodes[behind[0]].op_type not in EPILOGUE:
            return
        at = behind[0]
        owner[at] = mine


def _claim_before(at: int, nodes: list[NodeProto], makers: dict[str, int], owner: dict[int, str]) -> None:
    """Give what a node reads, as far back as nobody owns it, to the same owner."""
    waiting = [at]
    while waiting:
        for name in nodes[waiting.pop()].input:
            before = makers.get(name)
            if before is not None and before not in owner:
                owner[before] = owner[at]
                waiting.append(before)
