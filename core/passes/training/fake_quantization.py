"""Fake quantization: layers compute in float with the values that INT8 has, so that training meets them.

The scheme is that of static INT8 by NNCF and ONNX Runtime on CPUs: weights symmetric by output channel,
activations by tensor, unsigned where they are never negative. Gradients pass straight through within the
range (Jacob et al. 2018, arXiv 1712.05877).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.passes.training.network import Network

if TYPE_CHECKING:
    from torch.fx import Node

LAYERS = frozenset({"conv1d", "conv2d", "conv3d", "linear"})
SUMS = frozenset({"add", "add_"})
KEPT = 0.95
"""Of the range so far that a new batch leaves: an exponential average of extremes."""
PREFIX = "fake_quantization"


def insert(network: Network) -> int:
    """Put fake quantization before and into every layer of `network`; return how many layers there are."""
    module, seen = network.module, dict[str, Any]()
    layers = [node for node in module.graph.nodes if _op(node) in LAYERS and node.args[1].op == "get_attr"]
    sums = [node for node in module.graph.nodes if _op(node) in SUMS and _adds_maps(node)]
    for node in layers:
        held = _inserted(module, node.args[1], _weights(), node)
        node.args = (_activation(module, node.args[0], seen), held, *node.args[2:])
    for node in sums:
        node.args = (*(_activation(module, each, seen) for each in node.args[:2]), *node.args[2:])
    module.graph.lint()
    module.recompile()
    return len(layers)


def remove(network: Network) -> None:
    """Take all fake quantization out of `network` again."""
    module = network.module
    for node in list(module.graph.nodes):
        if node.op == "call_module" and str(node.target).startswith(PREFIX):
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
            module.delete_submodule(node.target)
    module.recompile()


def observe(network: Network, on: bool) -> None:
    """Let ranges follow what comes, or keep them."""
    for name, each in network.module.named_children():
        if name.startswith(PREFIX):
            each.observing = on


def _op(node: Node) -> str:
    return str(getattr(node.target, "_opname", "")) if node.op == "call_function" else ""


def _adds_maps(node: Node) -> bool:
    """Whether two computed maps of one shape are added."""
    shapes = []
    for each in node.args[:2]:
        value = getattr(each, "meta", {}).get("val")
        if getattr(each, "op", "get_attr") == "get_attr" or value is None or not value.is_floating_point():
            return False
        shapes.append(tuple(map(str, value.shape)))
    return len(shapes) == 2 and shapes[0] == shapes[1] and len(shapes[0]) > 2


def _activation(module: Any, source: Any, seen: dict[str, Any]) -> Any:
    """Return the quantized form of what `source` computes; one for all that use it."""
    if source.name not in seen:
        follower = source.next
        while follower.op in ("placeholder", "get_attr"):
            follower = follower.next
        seen[source.name] = _inserted(module, source, _activations(), follower)
    return seen[source.name]


def _inserted(module: Any, source: Any, quantizer: Any, before: Any) -> Any:
    name = f"{PREFIX}_{sum(1 for each, _ in module.named_children() if each.startswith(PREFIX))}"
    module.add_submodule(name, quantizer)
    with module.graph.inserting_before(before):
        return module.graph.call_module(name, (source,))


def _weights() -> Any:
    import torch

    class Weights(torch.nn.Module):
        """Symmetric, by output channel, from -127 to 127."""

        observing = False

        def forward(self, weight: Any) -> Any:
            most = weight.detach().abs().amax(tuple(range(1, weight.ndim))).clamp_min(1e-12)
            zeros = torch.zeros_like(most, dtype=torch.int32)
            return torch.fake_quantize_per_channel_affine(weight, most / 127, zeros, 0, -127, 127)

    return Weights()


def _activations() -> Any:
    import torch

    class Activations(torch.nn.Module):
        """By tensor, in the range of what came by so far."""

        low: Any
        high: Any
        begun: Any

        def __init__(self) -> None:
            super().__init__()
            self.observing = True
            for name in ("low", "high", "begun"):
                self.register_buffer(name, torch.zeros(()))

        def forward(self, values: Any) -> Any:
            if self.observing:
                self._follow(values.detach())
            if float(self.low) < 0:
                scale, low, high = max(-float(self.low), float(self.high)) / 127, -128, 127
            else:
                scale, low, high = float(self.high) / 255, 0, 255
            return torch.fake_quantize_per_tensor_affine(values, max(scale, 1e-8), 0, low, high)

        def _follow(self, values: Any) -> None:
            kept = KEPT if bool(self.begun) else 0.0
            self.low.mul_(kept).add_((1 - kept) * values.min().clamp_max(0))
            self.high.mul_(kept).add_((1 - kept) * values.max().clamp_min(0))
            self.begun.fill_(1)

    return Activations()
