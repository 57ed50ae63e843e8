"""Bias correction and batch-norm re-estimation for pruned PyTorch graphs.

As `core.pruning.onnx.bias_correction`, after batch norm's re-estimation in EagleEye (Li et al. 2020, arXiv
2007.02491): each layer is corrected while the graph runs, on what the corrected layers before it deliver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.graphs.torch.modules import quiet_torch
from core.pruning.dependency_groups import Keep
from core.pruning.propagation import Tracer
from core.pruning.torch.channels import replace, value
from core.pruning.torch.operands import argument, key, kind

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

LEAST, MOST = 0.5, 2.0
"""A channel that hardly moves any more is not blown up beyond this."""

CORRECTED = frozenset({"conv1d", "conv2d", "conv3d", "convolution", "linear", "batch_norm"})


def reestimate(
    original: GraphModule, pruned: GraphModule, tracer: Tracer, keep: Keep, samples: tuple[Any, ...]
) -> int:
    """Correct `pruned` in place on `samples` and return the number of corrected layers.

    Args:
        original: The same graph before pruning, with the same node names.
        pruned: Modules as `core.pruning.torch.channels.prune` leaves them.
        tracer: Of `original`.
        keep: Which channels stayed.
        samples: Inputs, many samples in one batch.
    """
    names = _layers(pruned)
    wanted: dict[str, tuple[Tensor, Tensor]] = {}

    def remember(node: Any, answer: Tensor) -> Tensor:
        mean, spread = _statistics(node, answer)
        ids = tracer.of(key(node))[_axis(node, answer)]
        stays = slice(None) if ids is None else _mask(keep(ids))
        wanted[node.name] = mean[stays], spread[stays]
        return answer

    def correct(node: Any, answer: Tensor) -> Tensor:
        return _corrected(pruned, node, answer, *wanted[node.name])

    for module, act in ((original, remember), (pruned, correct)):
        _walk(module, names, act, samples)
    return len(names)


def _mask(keep: Any) -> Any:
    import torch

    return torch.from_numpy(keep)


def _layers(module: GraphModule) -> set[str]:
    """Return the nodes with weights of their own that nobody else uses."""
    uses: dict[str, int] = {}
    for node in module.graph.nodes:
        if node.op == "get_attr":
            uses[str(node.target)] = uses.get(str(node.target), 0) + len(node.users)
    found = set()
    for node in module.graph.nodes:
        if node.op != "call_function" or kind(node) not in CORRECTED or argument(node, "transposed", False):
            continue
        held = [argument(node, name) for name in ("weight", "bias")]
        normed = [kind(user) == "batch_norm" for user in node.users]
        if normed == [True] or any(each is None or uses.get(str(each.target), 0) != 1 for each in held):
            continue
        found.add(str(node.name))
    return found


def _walk(module: Any, names: set[str], act: Any, samples: tuple[Any, ...]) -> None:
    import torch

    class Walker(torch.fx.Interpreter):
        def run_node(self, node: Any) -> Any:
            answer = super().run_node(node)
            return act(node, answer) if node.name in names else answer

    with quiet_torch():
        Walker(module).run(*(sample.clone() for sample in samples))


def _axis(node: Any, answer: Tensor) -> int:
    return answer.ndim - 1 if kind(node) == "linear" else 1


def _statistics(node: Any, answer: Tensor) -> tuple[Tensor, Tensor]:
    over = [axis for axis in range(answer.ndim) if axis != _axis(node, answer)]
    return answer.mean(over), answer.std(over, correction=0)


def _corrected(module: Any, node: Any, answer: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Fold output = (raw - old mean) * scale + mean into weight and bias, and return that output."""
    import torch

    now, deviation = _statistics(node, answer)
    scale = (spread / deviation.clamp_min(1e-6)).clamp(LEAST, MOST)
    if not bool(torch.isfinite(now).all() and torch.isfinite(scale).all()):
        return answer
    names = [str(argument(node, name).target) for name in ("weight", "bias")]
    weight, bias = (value(module, name).detach() for name in names)
    shape = [-1] + [1] * (weight.ndim - 1)
    replace(module, names[0], (weight * scale.reshape(shape)).float().numpy())
    replace(module, names[1], ((bias - now) * scale + mean).float().numpy())
    along = [-1 if axis == _axis(node, answer) else 1 for axis in range(answer.ndim)]
    shifted: Tensor = (answer - now.reshape(along)) * scale.reshape(along) + mean.reshape(along)
    return shifted
