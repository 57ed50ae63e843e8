"""Re-estimation of batch-norm statistics: what a changed network's layers see, averaged over batches.

After EagleEye (Li et al. 2020, arXiv 2007.02491): it takes seconds, and gives back much of what pruning
costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.passes.training.lesson import LOSS, Figures, Judge
from core.passes.training.network import Network
from core.protocols import PassContext

if TYPE_CHECKING:
    from torch import Tensor

BATCHES, MOST_S = 12, 10.0
MOMENTUM = 0.1
"""Of training, as PyTorch has it."""


def reestimate(
    network: Network, context: PassContext, batch: int, judge: Judge, answer: Callable[[list[Tensor]], Any]
) -> tuple[Figures, Figures]:
    """Give `network` the statistics of its rows, where the search rows are read better with them.

    Args:
        network: Changed in place, or left as it was.
        context: Of a pass that trains.
        batch: Rows of a batch.
        judge: Returns figures on the search rows; in inference mode.
        answer: Runs the network on tensors, in the precision of the training.

    Returns:
        The figures before, and those of the statistics that were kept.
    """
    import torch

    assert context.training is not None
    rows = context.training.rows.batches(batch, context.seed)
    network.infer()
    kept, before, began = network.state(), judge(), time.monotonic()
    network.learn(True)
    with torch.no_grad():
        for number, (feed, _) in enumerate(islice(rows, BATCHES)):
            network.momentum(1 / (number + 1))
            answer(network.tensors(feed, context))
            if time.monotonic() - began > MOST_S:
                break
    network.momentum(MOMENTUM)
    network.infer()
    after = judge()
    if after[LOSS] <= before[LOSS]:
        return before, after
    network.load(kept)
    return before, before
