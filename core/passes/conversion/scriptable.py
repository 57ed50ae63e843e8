"""Make the graph of a torch.export program fit for torch.jit.script.

A trace of such a graph holds the sizes of its example, because sizes are plain numbers in it. Scripting
keeps them free, but knows operators by their names only, without the overloads that exported graphs name.
"""

from __future__ import annotations

import copy
from typing import Any


def scriptable(module: Any) -> Any:
    """Return a copy of an exported `module` that torch.jit.script understands.

    Raises:
        AttributeError: `module` holds no graph.
    """
    import torch
    from torch.fx.graph import CodeGen

    graph_module = copy.copy(module)
    graph = copy.deepcopy(module.graph)
    _drop_guards(graph)
    for node in graph.nodes:
        if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
            node.target = _by_name(node.target)
    output = next(node for node in graph.nodes if node.op == "output")
    answers = output.args[0]
    if isinstance(answers, (list, tuple)) and len(answers) == 1:
        output.args = (answers[0],)
    graph.set_codegen(CodeGen())
    graph.lint()
    return torch.fx.GraphModule(graph_module, graph)


def _by_name(target: Any) -> Any:
    import torch

    if target is torch.ops.aten.sym_size.int:
        return torch.ops.aten.size
    return target.overloadpacket


def _drop_guards(graph: Any) -> None:
    """Take checks of sizes out: they are Python, and the pass compares outputs itself."""
    for node in reversed(list(graph.nodes)):
        checks = node.op == "call_module" and not node.users and "guard" in str(node.target)
        asserts = node.op == "call_function" and "assert" in str(node.target)
        if checks or (asserts and not node.users):
            graph.erase_node(node)
