"""How much the loss depends on each weight of an exported program, to first order on data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from core.domain.model import CLASS_TASKS, SourceModel
from core.graphs.torch.modules import flatten
from core.protocols import Array, Feed
from core.pruning.torch.channels import value

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule


def sensitivities(
    module: GraphModule,
    names: Iterable[str],
    batches: Iterable[tuple[Feed, Array | None]],
    model: SourceModel,
) -> dict[str, Array]:
    """Return by weight the squares of weight times gradient, summed over batches, in the weight's shape.

    Source: Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", arXiv 1906.10771. The
    loss is the cross entropy to the labels or, without labels, to the network's own decisions: against its
    own scores it would have no gradient. Where the outputs are no scores it is half of their mean square.

    Args:
        module: Left as it is.
        names: Of parameters.
        batches: Feeds with class indices (rows,) or None.
        model: Its task tells what the outputs are.
    """
    import torch

    weights = {name: value(module, name) for name in names}
    weights = {name: each for name, each in weights.items() if isinstance(each, torch.nn.Parameter)}
    found = {name: torch.zeros_like(each) for name, each in weights.items()}
    for each in weights.values():
        each.requires_grad_(True)
    try:
        for feed, labels in batches:
            tensors = [torch.from_numpy(feed[spec.name].copy()) for spec in model.inputs]
            with torch.enable_grad():
                loss = _loss(flatten(module(*tensors)), labels, model)
                slopes = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
            for (name, weight), slope in zip(weights.items(), slopes, strict=True):
                found[name] += 0 if slope is None else (weight.detach() * slope).square()
    finally:
        for each in weights.values():
            each.requires_grad_(False)
    return {name: each.numpy() for name, each in found.items()}


def _loss(outputs: list[Tensor], labels: Array | None, model: SourceModel) -> Any:
    import torch

    floats = [each for each in outputs if each.is_floating_point()]
    scores = floats[0]
    if model.task not in CLASS_TASKS or scores.ndim < 2 or scores.shape[1] < 2:
        return torch.stack([each.square().mean() / 2 for each in floats]).sum()
    axis = 1 if scores.ndim != 3 else 2
    scores = scores.movedim(axis, -1).flatten(0, -2)
    wanted = scores.argmax(-1) if labels is None else torch.from_numpy(labels.reshape(-1).copy())
    if len(wanted) != len(scores) or wanted.is_floating_point():
        wanted = scores.argmax(-1)
    return torch.nn.functional.cross_entropy(scores, wanted.long())
