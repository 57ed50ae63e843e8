"""Call PyTorch modules on examples in passes, record them as programs and save these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.model import SourceModel
from core.examples import example_feed
from core.graphs.torch.modules import exported_module, flatten, load_exported, quiet_torch
from core.passes.checks import EXAMPLE_BATCH, batches, differences, require_finite
from core.protocols import Array, LocalArtifact, PassContext

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram


def arguments(context: PassContext, batch: int, seed: int | None = None) -> tuple[Any, ...]:
    """Return one tensor per input, in order."""
    import torch

    feed = example_feed(context.model, batch, context.seed if seed is None else seed)
    return tuple(torch.from_numpy(feed[spec.name]) for spec in context.model.inputs)


def dynamic_shapes(model: SourceModel, insist: bool = True) -> tuple[dict[int, Any], ...] | None:
    """Return what torch.export keeps symbolic: the named axes of each input; None where there are none.

    Args:
        model: Names the axes.
        insist: Whether an axis that cannot stay symbolic is an error; else all but the batch may be fixed.
    """
    import torch

    dims = torch.export.Dim
    shapes = tuple(
        {
            axis: dims.DYNAMIC if insist or size == model.batch_symbol else dims.AUTO
            for axis, size in enumerate(spec.shape)
            if isinstance(size, str)
        }
        for spec in model.inputs
    )
    return shapes if any(shapes) else None


def outputs(
    module: Callable[..., Any], context: PassContext, batch: int, seed: int | None = None
) -> list[Array]:
    """Return the module's outputs on an example, in order; bfloat16 comes back as float32."""
    import torch

    torch.set_num_threads(context.threads)
    with quiet_torch():
        found = [tensor.detach().cpu() for tensor in flatten(module(*arguments(context, batch, seed)))]
    return [(each.float() if each.dtype is torch.bfloat16 else each).numpy() for each in found]


def answers(module: Callable[..., Any], context: PassContext) -> list[list[Array]]:
    """Return the module's outputs on an example of every size of batch that models are checked at."""
    return [outputs(module, context, batch) for batch in batches(context)]


def exported(module: nn.Module, context: PassContext, insist: bool = True) -> ExportedProgram:
    """Return the exported program of `module`, its symbolic sizes kept symbolic.

    Args:
        module: Takes the model's inputs by position.
        context: Holds the model.
        insist: Whether a size that cannot stay symbolic is an error; else only the batch must.
    """
    import torch

    with quiet_torch():
        example = arguments(context, EXAMPLE_BATCH)
        return torch.export.export(module, example, dynamic_shapes=dynamic_shapes(context.model, insist))


def save(program: ExportedProgram, path: Path) -> None:
    """Write a program to `path`."""
    import torch

    torch.export.save(program, str(path))


def saved(program: ExportedProgram, context: PassContext) -> tuple[Path, list[list[Array]]]:
    """Save a program, and return its file with the `answers` of what that file holds."""
    path = context.folder / "model.pt2"
    save(program, path)
    return path, answers(exported_module(load_exported(path)), context)


def rewritten(
    module: nn.Module,
    before: Sequence[list[Array]],
    artifact: LocalArtifact,
    context: PassContext,
    details: dict[str, Any],
    hint: str,
) -> LocalArtifact:
    """Return `module` as a saved program, with its ``difference`` from `before` among the details.

    Args:
        module: A rewritten graph of `artifact`.
        before: The `answers` of what it was made of.
        artifact: That, whose options stay.
        context: Of the pass.
        details: Of the pass.
        hint: What to do where it is refused.

    Raises:
        PassFailed: Outputs are not finite where they were.
    """
    path, after = saved(exported(module, context), context)
    pairs = list(zip(before, after, strict=True))
    for one, other in pairs:
        require_finite(other, one, hint)
    return LocalArtifact("pt2", path, (path,), dict(artifact.options), details | differences(pairs))
