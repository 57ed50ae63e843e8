"""Folding of batch norms into the layers before them, in graphs of exported programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

BATCH_NORM = "batch_norm"
LAYERS = frozenset({"conv1d", "conv2d", "conv3d", "linear"})


def fold_norms(module: Any) -> int:
    """Fold what can be folded in place, and return how many batch norms are gone.

    Args:
        module: A graph of ATen operators that computes as inference does, as
            `core.graphs.torch.modules.exported_module` returns it.
    """
    folded = 0
    for node in list(module.graph.nodes):
        layer = node.args[0] if _named(node, (BATCH_NORM,)) else None
        if layer is None or not _named(layer, LAYERS) or len(layer.users) != 1 or not _own(layer):
            continue
        _fold(module, layer, node)
        folded += 1
    if folded:
        module.graph.eliminate_dead_code()
        module.recompile()
    return folded


def _named(node: Any, names: Any) -> bool:
    target = getattr(node.target, "_opname", "")
    return node.op == "call_function" and target in names


def _own(layer: Any) -> bool:
    """Whether nobody else uses the layer's weights."""
    held = [each for each in layer.args[1:3] if each is not None]
    return all(each.op == "get_attr" and len(each.users) == 1 for each in held)


def _fold(module: Any, layer: Any, norm: Any) -> None:
    """Fold (x * w + b - mean) / sqrt(var + eps) * gain + shift into w and b."""
    import torch

    gain, shift, mean, variance = (_value(module, each) for each in norm.args[1:5])
    weight = _value(module, layer.args[1])
    bias = _value(module, layer.args[2]) if len(layer.args) > 2 else None
    assert weight is not None
    assert mean is not None
    assert variance is not None
    with torch.no_grad():
        scale = (variance.double() + float(norm.args[7])).rsqrt()
        scale = scale if gain is None else scale * gain.double()
        moved = (-mean.double() if bias is None else bias.double() - mean.double()) * scale
        moved = moved if shift is None else moved + shift.double()
        shaped = scale.reshape([-1] + [1] * (weight.ndim - 1))
        weight.copy_((weight.double() * shaped).to(weight.dtype))
    name = f"folded_{norm.name}"
    module.register_parameter(name, torch.nn.Parameter(moved.to(weight.dtype)))
    with module.graph.inserting_before(layer):
        held = module.graph.get_attr(name)
    layer.args = (layer.args[0], layer.args[1], held, *layer.args[3:])
    norm.replace_all_uses_with(layer)
    module.graph.erase_node(norm)


def _value(module: Any, node: Any) -> Tensor | None:
    if node is None:
        return None
    owner, _, name = str(node.target).rpartition(".")
    found: Tensor = getattr(module.get_submodule(owner), name)
    return found
