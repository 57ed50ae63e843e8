"""The weights of convolutions and linear layers in PyTorch files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

OPERANDS = {
    "conv1d": (1,), "conv2d": (1,), "conv3d": (1,), "convolution": (1,), "linear": (1,),
    "conv_transpose1d": (1,), "conv_transpose2d": (1,), "conv_transpose3d": (1,),
    "matmul": (0, 1), "mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2),
}  # fmt: skip
"""Positions at which an operator takes a weight."""

VIEWS = frozenset({"t", "transpose", "permute", "view", "reshape", "alias", "contiguous", "expand"})


def module_weights(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights of convolutions, linear layers and attention by their name in the state dict."""
    from torch import nn

    layers = (nn.modules.conv._ConvNd, nn.Linear)
    found: dict[str, Tensor] = {}
    for prefix, layer in module.named_modules():
        dot = f"{prefix}." if prefix else ""
        if isinstance(layer, layers):
            found[f"{dot}weight"] = layer.weight
        elif isinstance(layer, nn.MultiheadAttention) and layer.in_proj_weight is not None:
            found[f"{dot}in_proj_weight"] = layer.in_proj_weight
    return _floats(found)


def program_weights(program: ExportedProgram) -> dict[str, Tensor]:
    """Return the weights that convolutions and matrix products of `program` take, by parameter name."""
    held = {**program.graph_signature.inputs_to_parameters, **program.graph_signature.inputs_to_buffers}
    names = [held[name] for name in _operands(program.graph) if name in held]
    state = {**program.constants, **program.state_dict}
    return _floats({name: state[name] for name in names if name in state})


def _floats(found: dict[str, Tensor]) -> dict[str, Tensor]:
    import torch

    kinds = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
    return {name: value for name, value in found.items() if value.dtype in kinds and value.ndim >= 2}


def _operands(graph: Any) -> Iterator[str]:
    for node in graph.nodes:
        packet = getattr(node.target, "overloadpacket", None)
        for position in OPERANDS.get(getattr(packet, "__name__", ""), ()):
            if position < len(node.args):
                yield _origin(node.args[position]).name


def _origin(node: Any) -> Any:
    """Look through views, which decomposed programs put between a weight and its product."""
    while node.op == "call_function" and getattr(node.target, "overloadpacket", None) is not None:
        if node.target.overloadpacket.__name__ not in VIEWS:
            break
        node = node.args[0]
    return node
