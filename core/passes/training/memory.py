"""Memory that training takes: weights, gradients and what the backward pass keeps of each row."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from core.errors import PassNotApplicable
from core.machine.environment import memory_available
from core.passes.training.network import Network

if TYPE_CHECKING:
    from torch import Tensor

COPIES = 7
"""Of all weights: gradients, two moments, the best so far, the average, and two while a state is written."""
SHARE = 0.8
"""Of the free memory that a training may plan with."""
SAFETY = 1.5
"""Gradients of activations, and what the allocator leaves unused."""


def fitting_batch(network: Network, example: list[Tensor], wanted: int) -> int:
    """Return the largest batch up to `wanted` that fits into the free memory.

    Args:
        network: Called once on `example`, in training mode.
        example: Few rows.
        wanted: Rows of a batch.

    Raises:
        PassNotApplicable: Not even these few rows fit.
    """
    rows = max(1, len(example[0]) if example[0].ndim else 1)
    weights = sum(each.numel() * each.element_size() for each in network.parameters)
    each_row = SAFETY * _kept_bytes(network, example) / rows
    free = SHARE * _free_bytes()
    most = int((free - COPIES * weights) / max(each_row, 1.0))
    if most < rows:
        needed = COPIES * weights + rows * each_row
        raise PassNotApplicable(
            f"Training would take about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free.",
            hint="Train on a machine with more memory, or leave this step out.",
        )
    batch = wanted
    while batch > most:
        batch //= 2
    return max(batch, rows)


def _kept_bytes(network: Network, example: list[Tensor]) -> int:
    """Return the bytes that autograd keeps for the backward pass, weights not counted."""
    import torch

    own = {each.untyped_storage().data_ptr() for each in network.module.state_dict().values()}
    seen: dict[int, int] = {}
    held = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # so that no address is given out twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(example)
    return sum(seen.values())


def _free_bytes() -> int:
    """Return the bytes that this process may still take."""
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    import psutil

    taken = psutil.Process().memory_info().data
    own = limit - taken if limit != resource.RLIM_INFINITY else memory_available()
    return max(0, min(own, memory_available()))
