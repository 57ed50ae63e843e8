"""Structured channel pruning of the graph of an exported program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.graphs.torch.modules import quiet_torch
from core.protocols import Array
from core.pruning import selection
from core.pruning.dependency_groups import Keep
from core.pruning.propagation import Tracer
from core.pruning.torch import rules
from core.pruning.torch.operands import SPLITS, ExportedGraph, key, kind

if TYPE_CHECKING:
    from torch.fx import GraphModule


def trace(module: GraphModule, example: tuple[Any, ...]) -> Tracer:
    """Return which channels of `module` belong together.

    Args:
        module: A graph of ATen operators, as `core.graphs.torch.modules.exported_module` returns it.
        example: Inputs of batch 2, or of the module's fixed batch.
    """
    shapes, parts = _observe(module, example)
    constants = {str(node.target): value for node, value in _held(module)}
    tracer = Tracer(constants, shapes)
    graph = ExportedGraph(tracer, parts)
    for node in module.graph.nodes:
        rules.follow(graph, node)
    last = next(node for node in module.graph.nodes if node.op == "output")
    tracer.freeze([key(node) for node in last.all_input_nodes], "the network's output")
    return tracer


def prune(module: GraphModule, tracer: Tracer, rule: selection.PruningRule) -> Keep | None:
    """Remove channels from `module` in place.

    Returns:
        Which channels stay, or None where there was nothing to remove.
    """

    def write(smaller: dict[str, Array]) -> None:
        for name, array in smaller.items():
            replace(module, name, array)

    keep = selection.prune(tracer, rule, write)
    module.recompile()
    return keep


def replace(module: Any, name: str, array: Any) -> None:
    """Set the parameter or buffer of this dotted name, keeping its dtype."""
    import torch

    *path, last = name.split(".")
    owner = module.get_submodule(".".join(path))
    old = getattr(owner, last)
    new = torch.from_numpy(np.array(array)).to(old.dtype)
    if isinstance(old, torch.nn.Parameter):
        new = torch.nn.Parameter(new, requires_grad=False)
    setattr(owner, last, new)


def value(module: Any, name: str) -> Any:
    """Return the parameter or buffer of this dotted name."""
    *path, last = name.split(".")
    return getattr(module.get_submodule(".".join(path)), last)


def parameters(module: Any) -> int:
    """Return the number of weights."""
    return sum(int(parameter.numel()) for parameter in module.parameters())


def _held(module: Any) -> list[tuple[Any, Any]]:
    import torch

    nodes = [node for node in module.graph.nodes if node.op == "get_attr"]
    found = [(node, value(module, str(node.target))) for node in nodes]
    tensors = [(node, each.detach()) for node, each in found if isinstance(each, torch.Tensor)]
    return [(node, (each.float() if each.is_floating_point() else each).numpy()) for node, each in tensors]


def _observe(module: Any, example: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    shapes: dict[str, Any] = {}
    parts: dict[str, Any] = {}

    class Watcher(torch.fx.Interpreter):
        def run_node(self, node: Any) -> Any:
            answer = super().run_node(node)
            if isinstance(answer, torch.Tensor):
                shapes[key(node)] = tuple(answer.shape)
            elif isinstance(answer, (tuple, list)) and node.op == "call_function":
                parts[key(node)] = [tuple(each.shape) for each in answer if isinstance(each, torch.Tensor)]
                if parts[key(node)] and kind(node) not in SPLITS:
                    shapes[key(node)] = parts[key(node)][0]
            return answer

    with quiet_torch():
        Watcher(module).run(*example)
    return shapes, parts
