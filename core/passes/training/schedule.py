"""Optimizer, learning rate and pace of a training: chosen by the network, planned by the time of a step."""

from __future__ import annotations

from collections import deque
from math import cos, pi
from statistics import fmean
from typing import TYPE_CHECKING

from core.passes.training.network import Network

if TYPE_CHECKING:
    from torch.optim import Optimizer

SGD_RATE, ADAM_RATE = 0.05, 5e-4
"""A network with batch norms forgives a large rate, since these undo the scale of its weights."""
WEIGHT_DECAY = {"sgd": 1e-4, "adamw": 0.01}
WARM_UP, WARM_UP_LEAST = 0.04, 5
RECENT = 50
COLD = 2
"""First steps, in which kernels are prepared."""


def optimizer(network: Network, norms: bool, rate: float = 0.0) -> Optimizer:
    """Return SGD with Nesterov's momentum where batch norms learn, else AdamW (arXiv 1711.05101).

    Args:
        network: Its parameters; vectors get no weight decay.
        norms: Whether its batch norms learn.
        rate: Learning rate; 0 for the usual one.
    """
    import torch

    sgd = bool(network.norms) and norms
    decay = WEIGHT_DECAY["sgd" if sgd else "adamw"]
    wide, flat = ([each for each in network.parameters if (each.ndim > 1) is on] for on in (True, False))
    groups = [{"params": wide, "weight_decay": decay}, {"params": flat, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if sgd:
        return torch.optim.SGD(groups, lr=rate or SGD_RATE, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=rate or ADAM_RATE)


def share(step: int, steps: int) -> float:
    """Return the share of the learning rate at `step` of `steps`: a warm-up, then a cosine to zero.

    Source: Loshchilov and Hutter 2017, arXiv 1608.03983.
    """
    warm = min(max(WARM_UP_LEAST, int(WARM_UP * steps)), max(1, steps // 2))
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + cos(pi * (step - warm) / max(1, steps - warm)))


class Pace:
    """Seconds of a step, of a judgement and of writing the state, as they were measured."""

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=RECENT)
        self._seen = 0
        self.judging_s = self.saving_s = 0.0

    def step(self, seconds: float) -> None:
        """Take note of a step."""
        self._seen += 1
        if self._seen == COLD + 1:
            self._steps.clear()
        self._steps.append(seconds)

    @property
    def known(self) -> bool:
        """Whether there were steps to plan by."""
        return self._seen > COLD

    @property
    def step_s(self) -> float:
        """Seconds of a recent step, 0 before the first."""
        return fmean(self._steps) if self._steps else 0.0

    def fitting(self, seconds: float, judgements: int) -> int:
        """Return how many steps fit into `seconds` with so many judgements."""
        return max(0, int((seconds - judgements * self.judging_s) / max(self.step_s, 1e-6)))

    def judgements(self, seconds: float, least: int, most: int, share: float) -> int:
        """Return how many judgements take about this share of `seconds`."""
        return max(least, min(most, int(share * max(seconds, 0.0) / max(self.judging_s, 1e-3))))
