"""PyTorch's quantization of exported programs (PT2E) as XNNPACK computes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.errors import PassFailed, PassNotApplicable
from core.graphs.torch.modules import integer_operators, is_quantized, quiet_torch
from core.passes.torch_calls import exported
from core.protocols import Feed, LocalArtifact, PassContext

if TYPE_CHECKING:
    from torch import nn
    from torch.fx import GraphModule, Node

HEAVY = ("conv1d", "conv2d", "conv3d", "convolution", "linear", "matmul", "mm", "addmm", "bmm", "lstm", "gru")
"""Operators of ATen where nearly all time is spent."""


def quantize(module: nn.Module, context: PassContext, feeds: Iterable[Feed], dynamic: bool) -> GraphModule:
    """Return `module` with 8-bit weights and activations where XNNPACK has kernels for them.

    Weights are symmetric with a scale per channel, activations have a zero point.

    Args:
        module: An exported program's.
        context: Of the pass.
        feeds: Samples to find ranges by; of dynamic ranges one will do, which only runs through it.
        dynamic: Whether activations are scaled as they come; then of linear layers only.

    Raises:
        PassNotApplicable: It is quantized already.
    """
    import torch
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    if is_quantized(module):
        raise PassNotApplicable("The layers are in 8 bits already.", hint="Leave this step out.")
    config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=dynamic)
    quantizer = XNNPACKQuantizer().set_global(config)
    integer_operators()
    names = [spec.name for spec in context.model.inputs]
    with quiet_torch():
        prepared = prepare_pt2e(exported(module, context).module(), quantizer)
        for feed in feeds:
            prepared(*(torch.from_numpy(feed[name]) for name in names))
        made: GraphModule = convert_pt2e(prepared)
    return made


def counts(module: GraphModule) -> dict[str, Any]:
    """Count heavy nodes: quantized where what they multiply comes from 8 bits, else float."""
    kinds: dict[str, dict[str, int]] = {"quantized_ops": {}, "float_ops": {}}
    for node in module.graph.nodes:
        if (name := _name(node)) not in HEAVY:
            continue
        into = kinds["quantized_ops" if all(map(_restored, node.all_input_nodes[:2])) else "float_ops"]
        into[name] = into.get(name, 0) + 1
    quantized, floating = (sum(each.values()) for each in kinds.values())
    return {"quantized": quantized, "float": floating, **kinds}


def require_quantized(found: Mapping[str, Any]) -> None:
    """Refuse a network of whose layers XNNPACK multiplies none in 8 bits, by its `counts`.

    Raises:
        PassNotApplicable: It has no such layer.
    """
    if not found["quantized"]:
        raise PassNotApplicable(
            "XNNPACK has no 8-bit kernel for any of its layers.", hint="Export it in FP32."
        )


def check_quantized(after: LocalArtifact, hint: str) -> None:
    """Check that layers are in 8 bits and something is left of the signal.

    Raises:
        PassFailed: They are not, or nothing is.
    """
    if not after.details["quantized"]:
        raise PassFailed("Not one layer was quantized.", hint=hint)
    if not after.details["difference"] < 1:
        raise PassFailed("Nothing is left of the signal in 8 bits.", hint=hint)


def linear_weights(module: nn.Module) -> tuple[int, int]:
    """Return how many bytes of weights linear layers hold, and how many there are in all."""
    graph: Any = module
    held = {
        str(node.args[1].target)
        for node in graph.graph.nodes
        if _name(node) in ("linear", "addmm", "mm") and getattr(node.args[1], "op", "") == "get_attr"
    }
    weights = module.state_dict()
    return sum(weights[name].nbytes for name in held if name in weights), sum(
        each.nbytes for each in weights.values()
    )


def _name(node: Node) -> str:
    return str(node.target).removeprefix("aten.").partition(".")[0] if node.op == "call_function" else ""


def _restored(node: Node) -> bool:
    """Whether a value was brought back from 8 bits, moved around since at the most."""
    return "dequantize" in str(node.target)
