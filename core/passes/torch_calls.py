"""Call PyTorch modules on examples in passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.domain.model import SourceModel
from core.examples import example_feed
from core.graphs.torch.modules import flatten, quiet_torch
from core.protocols import Array, PassContext

if TYPE_CHECKING:
    from torch import nn


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


def outputs(module: nn.Module, context: PassContext, batch: int, seed: int | None = None) -> list[Array]:
    """Return the module's outputs on an example, in order."""
    import torch

    torch.set_num_threads(context.threads)
    with quiet_torch():
        return [tensor.detach().cpu().numpy() for tensor in flatten(module(*arguments(context, batch, seed)))]
