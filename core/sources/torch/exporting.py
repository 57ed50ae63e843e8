"""torch.export of a network in Python, with dynamic shapes where it bears them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.complaints import complaint
from core.errors import UnsupportedModel
from core.graphs.torch.modules import quiet_torch
from core.sources.probe import Specs, feed_of
from core.sources.torch.forward_pass import tensors

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

SEVERAL = 2
"""Samples of the example: a batch of one would be taken for a constant."""


def export_program(module: nn.Module, specs: Specs, sizes: dict[str, int], target: Path) -> Path:
    """Write `module` as a program to `target`.

    Args:
        module: In eval mode; takes one tensor per input by position.
        specs: Its inputs in order; sizes that are symbols may change.
        sizes: Example size of each symbol but the batch.
        target: The `.pt2` file.

    Raises:
        UnsupportedModel: PyTorch cannot trace the network; the message holds its reason.
    """
    import torch

    try:
        program = _free(module, specs, sizes)
        if program is None:
            program = _export(module, specs, {**sizes, "batch": 1}, free=False)
    except Exception as error:
        raise UnsupportedModel(
            f"PyTorch cannot export this network: {complaint(error)}.",
            hint="Branches on values and code outside of PyTorch stand in the way. Or export it to ONNX.",
        ) from error
    torch.export.save(program, str(target))
    return target


def _free(module: nn.Module, specs: Specs, sizes: dict[str, int]) -> ExportedProgram | None:
    """Return the program with free sizes, or None where it cannot be traced or took the batch as fixed."""
    try:
        program = _export(module, specs, {**sizes, "batch": SEVERAL}, free=True)
    except Exception:
        return None
    taken = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"][-len(specs) :]
    fixed = any(
        spec.shape[:1] == ("batch",) and isinstance(value.shape[0], int)
        for spec, value in zip(specs, taken, strict=True)
    )
    return None if fixed else program


def _export(module: nn.Module, specs: Specs, sizes: dict[str, int], *, free: bool) -> ExportedProgram:
    import torch
    from torch.export import Dim

    names = [spec.name for spec in specs]
    shapes = [
        {axis: Dim.AUTO for axis, size in enumerate(spec.shape) if free and isinstance(size, str)}
        for spec in specs
    ]
    with quiet_torch():
        feed = tuple(tensors(feed_of(specs, sizes), names))
        return torch.export.export(module, feed, dynamic_shapes=tuple(shapes) if free else None, strict=False)
