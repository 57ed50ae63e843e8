"""Multilayer perceptron (MLP) for tabular rows, with built-in feature standardization."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class TabularMlp(nn.Module):
    """Standardisation by stored mean and scale, then linear layers with ReLU between.

    Args:
        sizes: Features, hidden widths and classes, in this order.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(sizes[0]))
        self.register_buffer("scale", torch.ones(sizes[0]))
        pairs = list(pairwise(sizes))
        self.layers = nn.Sequential()
        for index, (inputs, outputs) in enumerate(pairs):
            self.layers.append(nn.Linear(inputs, outputs))
            if index < len(pairs) - 1:
                self.layers.append(nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        """Raw features (N, features) to logits (N, classes)."""
        logits: Tensor = self.layers((features - self.mean) / self.scale)
        return logits
