"""Batch norms folded into the convolutions before them, in the graph of an exported program."""

from __future__ import annotations

from typing import Any

from core.graphs.torch.modules import NORM_MEAN
from core.passes.training.quantization_points import CONVOLUTIONS, called
from core.pruning.torch.channels import value
from core.pruning.torch.operands import argument, replace

EPSILON = "eps"


def fold_norms(module: Any) -> int:
    """Fold each batch norm that alone reads a convolution into it, and return how many there were.

    Each convolution gets weights of its own, so that one that is called twice is told apart.
    """
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    graph, folded = module.graph, 0
    for norm in [node for node in graph.nodes if called(node) == "batch_norm"]:
        layer = norm.args[0]
        if not _folds(layer, norm):
            continue
        names = (*(argument(layer, name) for name in ("weight", "bias")), *norm.args[1:5])
        held: list[Any] = [None if each is None else value(module, str(each.target)) for each in names]
        weight, bias, scale, shift, mean, variance = held
        with torch.no_grad():
            made = fuse_conv_bn_weights(weight, bias, mean, variance, argument(norm, EPSILON), scale, shift)
        with graph.inserting_before(layer):
            for name, tensor in zip(("weight", "bias"), made, strict=True):
                own = f"folded_{folded}_{name}"
                put(module, own, torch.nn.Parameter(tensor.detach()))
                node = graph.get_attr(own)
                node.meta["val"] = tensor.detach()
                replace(layer, name, node)
        norm.replace_all_uses_with(layer)
        graph.erase_node(norm)
        folded += 1
    tidy(module)
    return folded


def _folds(layer: Any, norm: Any) -> bool:
    if called(layer) not in CONVOLUTIONS or len(layer.users) > 1 or norm.args[NORM_MEAN] is None:
        return False
    names = (argument(layer, "weight"), argument(layer, "bias"), *norm.args[1:5])
    return all(each is None or each.op == "get_attr" for each in names)


def put(module: Any, name: str, tensor: Any) -> None:
    """Give `module` a parameter or buffer."""
    import torch

    if isinstance(tensor, torch.nn.Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def tidy(module: Any) -> None:
    """Drop nodes that nothing reads, and weights of none, from a module whose graph was changed."""
    graph = module.graph
    graph.eliminate_dead_code()
    held = {str(node.target) for node in graph.nodes if node.op == "get_attr"}
    for name in [each for each in module.state_dict() if each not in held]:
        *path, last = name.split(".")
        delattr(module.get_submodule(".".join(path)), last)
    module.delete_all_unused_submodules()
    module.recompile()
