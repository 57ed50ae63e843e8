"""Structured channel pruning of PyTorch state dicts and exported programs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.graphs.torch.modules import exported_module, open_module, quiet_torch
from core.passes.checks import EXAMPLE_BATCH
from core.passes.pruning.pruned_network import (
    nothing_to_remove,
    rated_rows,
    require_importance,
    require_whole,
    samples,
    savings,
)
from core.passes.torch_calls import answers, arguments, exported, saved
from core.protocols import Feed, LocalArtifact, PassContext
from core.pruning.propagation import Tracer
from core.pruning.selection import DependencyGroup, PruningRule, groups
from core.pruning.torch import batch_norm_statistics, channels
from core.pruning.torch.taylor import sensitivities

if TYPE_CHECKING:
    from torch import nn


def prune(
    context: PassContext, artifact: LocalArtifact, rule: PruningRule, reestimate: bool, work: Path
) -> LocalArtifact:
    """Return a smaller exported program.

    Raises:
        PassNotApplicable: No channel can be removed.
        PassFailed: The smaller program does not run as the original does.
    """
    del work  # PyTorch needs no files in between
    original = _opened(context, artifact)
    module: Any = copy.deepcopy(original)
    tracer = _traced(context, module, rule)
    keep = channels.prune(module, tracer, rule)
    if keep is None:
        raise nothing_to_remove(tracer)
    feed = samples(context, tracer) if reestimate else None
    corrected = (
        batch_norm_statistics.reestimate(original, module, tracer, keep, _tensors(feed, context))
        if feed
        else 0
    )
    path, after = saved(exported(module, context), context)
    for pair in zip(answers(original, context), after, strict=True):
        require_whole(*pair)
    details = _savings(original, module, context) | {"corrected": corrected}
    return LocalArtifact("pt2", path, (path,), dict(artifact.options), details)


def ranked(context: PassContext, artifact: LocalArtifact, rule: PruningRule) -> list[DependencyGroup]:
    """Return the groups of channels that can lose some, by the importance of `rule`.

    Raises:
        PassNotApplicable: There are none, or the importance says nothing about this network.
    """
    tracer = _traced(context, _opened(context, artifact), rule)
    if not rule.residuals:
        tracer.hold_streams()
    found = groups(tracer, rule.criterion)
    if not found:
        raise nothing_to_remove(tracer)
    return found


def _opened(context: PassContext, artifact: LocalArtifact) -> Any:
    module = open_module(artifact, context.model)
    return exported_module(exported(module, context)) if artifact.format == "state_dict" else module


def _traced(context: PassContext, module: Any, rule: PruningRule) -> Tracer:
    tracer = channels.trace(module, arguments(context, EXAMPLE_BATCH))
    if rule.criterion == "taylor":
        tracer.sensitivities = sensitivities(module, tracer.layer_weights, rated_rows(context), context.model)
    require_importance(tracer, rule)
    return tracer


def _tensors(feed: Feed, context: PassContext) -> tuple[Any, ...]:
    import torch

    return tuple(torch.from_numpy(feed[spec.name].copy()) for spec in context.model.inputs)


def _savings(before: nn.Module, after: nn.Module, context: PassContext) -> dict[str, Any]:
    modules = (before, after)
    parameters = [channels.parameters(module) for module in modules]
    return savings(parameters, [_macs(module, context) for module in modules])


def _macs(module: nn.Module, context: PassContext) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with quiet_torch(), FlopCounterMode(display=False) as counter:
        module(*arguments(context, 1))
    return int(counter.get_total_flops()) // 2
