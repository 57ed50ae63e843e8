"""An exported program's graph as the dependency rules see it: names, operators and arguments of its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.pruning.propagation import Tracer

Node = Any
"""A `torch.fx.Node`."""

SPLITS = frozenset({"chunk", "split", "split_with_sizes"})
"""Operators that return the parts of one axis."""


@dataclass
class ExportedGraph:
    """The graph of an exported program with its traced channels.

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
