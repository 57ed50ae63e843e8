"""Optimizer, learning rate and pace of a training: chosen by the network, planned by the time of a step."""

from __future__ import annotations

from collections import deque
from math import cos, inf, pi
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
TRIED, APART_LEAST, TRIAL_SHARE = 2, 10, 0.05
"""Steps of a trial, the least number between two, and the share of the time that they may cost."""
RECENT_STEPS, SLOWED = 5, 2.0


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


class Threads:
    """Threads of a step: all of them, or half where that is faster beside other programs.

    Threads of one loop wait for the slowest. Where another program has its core they all do: beside two busy
    programs on two cores a step of 0.17 s lasted 4.9 s on two threads, and 0.6 s on one. So the other number
    is tried again and again, the more rarely the worse it was, and at once where all have become slow.

    Args:
        most: All threads that there are.
        fixed: Whether to take all of them always, for results that are the same every time.
    """

    def __init__(self, most: int, fixed: bool) -> None:
        choices = (most,) if fixed else (most, max(1, most // 2))
        self._taken: dict[int, deque[float]] = {count: deque(maxlen=RECENT_STEPS) for count in choices}
        self._most = self.count = most
        self._trying, self._left, self._usual = False, COLD + TRIED, inf

    def took(self, seconds: float) -> None:
        """Take note of a step on `count` threads, and choose those of the next one."""
        self._taken[self.count].append(seconds)
        self._left -= 1
        slowed = self.count == self._most and not self._trying and seconds > SLOWED * self._usual
        if len(self._taken) == 1 or (self._left > 0 and not slowed):
            return
        self._trying = not self._trying
        if self._trying:
            self.count = next(each for each in self._taken if each != self.count)
            self._taken[self.count].clear()
            self._left = TRIED
        else:
            self._choose()

    def _choose(self) -> None:
        means = sorted((fmean(taken), count) for count, taken in self._taken.items())
        (self._usual, self.count), (worst, _) = means
        self._left = max(APART_LEAST, round(TRIED * (worst / max(self._usual, 1e-9) - 1) / TRIAL_SHARE))
