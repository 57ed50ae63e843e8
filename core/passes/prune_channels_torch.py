"""Channel pruning of state dicts and exported programs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import PassFailed, PassNotApplicable
from core.passes.checks import batches, require_finite
from core.passes.export_pt2 import exported
from core.passes.prune_channels_onnx import HINT, TRACED_BATCH, samples, why
from core.passes.torch_calls import arguments, outputs
from core.protocols import Feed, LocalArtifact, PassContext
from core.pruning import torch_channels, torch_refresh
from core.pruning.choice import Rule
from core.torch_modules import exported_module, load_exported, open_module, quiet_torch

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram


def prune(
    context: PassContext, artifact: LocalArtifact, rule: Rule, refresh: bool, work: Path
) -> LocalArtifact:
    """Return a smaller exported program.

    Raises:
        PassNotApplicable: No channel can be removed.
        PassFailed: The smaller program does not run as the original does.
    """
    del work  # PyTorch needs no files in between
    original: Any = open_module(artifact, context.model)
    if artifact.format == "state_dict":
        original = exported_module(exported(original, context))
    module: Any = copy.deepcopy(original)
    tracer = torch_channels.trace(module, arguments(context, TRACED_BATCH))
    keep = torch_channels.prune(module, tracer, rule)
    if keep is None:
        raise PassNotApplicable(why(tracer), hint="Quantize it instead.")
    feed = samples(context, tracer) if refresh else None
    corrected = torch_refresh.refresh(original, module, tracer, keep, _tensors(feed, context)) if feed else 0
    path = context.folder / "model.pt2"
    _save(exported(module, context), path)
    _check(original, exported_module(load_exported(path)), context)
    details = _counts(original, module, context) | {"corrected": corrected}
    return LocalArtifact("pt2", path, (path,), dict(artifact.options), details)


def _save(program: ExportedProgram, path: Path) -> None:
    import torch

    torch.export.save(program, str(path))


def _tensors(feed: Feed, context: PassContext) -> tuple[Any, ...]:
    import torch

    return tuple(torch.from_numpy(feed[spec.name].copy()) for spec in context.model.inputs)


def _check(original: nn.Module, pruned: nn.Module, context: PassContext) -> None:
    for batch in batches(context):
        before, after = (outputs(module, context, batch) for module in (original, pruned))
        if [one.shape for one in before] != [one.shape for one in after]:
            raise PassFailed("The smaller network returns outputs of another shape.", hint=HINT)
        require_finite(after, before, HINT)


def _counts(before: nn.Module, after: nn.Module, context: PassContext) -> dict[str, Any]:
    kept = [torch_channels.parameters(module) for module in (before, after)]
    macs = [_macs(module, context) for module in (before, after)]
    return {"parameters_before": kept[0], "parameters": kept[1], "macs_before": macs[0], "macs": macs[1]}


def _macs(module: nn.Module, context: PassContext) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with quiet_torch(), FlopCounterMode(display=False) as counter:
        module(*arguments(context, 1))
    return int(counter.get_total_flops()) // 2
