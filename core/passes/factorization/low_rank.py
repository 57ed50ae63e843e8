"""Low-rank factors of linear layers and convolutions by singular value decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from core.protocols import Array


@dataclass(frozen=True)
class Factors:
    """Two weights that do one after the other what one did.

    Attributes:
        first: Of the layer that comes first, without a bias: (rank, in, ...).
        second: Of the layer behind it: (out, rank, ...).
    """

    first: Array
    second: Array

    @property
    def rank(self) -> int:
        """Channels between the two."""
        return int(self.first.shape[0])


def channel_factors(weight: Array, energy: float) -> Factors:
    """Split a weight (out, in, ...) into its kernel with fewer outputs and a layer of size 1 behind it.

    Source: Zhang et al. 2015, arXiv 1505.06798, without its non-linear refinement.
    """
    out = weight.shape[0]
    left, right = _split(weight.reshape(out, -1), energy)
    second = left.reshape(out, -1, *(1,) * (weight.ndim - 2))
    return Factors(right.reshape(-1, *weight.shape[1:]), second)


def spatial_factors(weight: Array, energy: float) -> Factors:
    """Split a weight (out, in, height, width) into a column of kernels and a row of kernels behind it.

    Source: Jaderberg et al. 2014, arXiv 1405.3866, scheme 2.
    """
    out, inner, height, width = weight.shape
    matrix = weight.transpose(0, 3, 1, 2).reshape(out * width, inner * height)
    left, right = _split(matrix, energy)
    second = left.reshape(out, width, -1).transpose(0, 2, 1)[:, :, None, :]
    return Factors(right.reshape(-1, inner, height, 1), second)


def _split(matrix: Array, energy: float) -> tuple[Array, Array]:
    """Return factors of the smallest rank that keeps `energy` of the squared norm."""
    u, s, v = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    shares = np.cumsum(np.square(s)) / max(float(np.square(s).sum()), 1e-30)
    rank = min(len(s), int(np.searchsorted(shares, energy - 1e-12)) + 1)
    root = np.sqrt(s[:rank])
    left, right = u[:, :rank] * root, root[:, None] * v[:rank]
    return left.astype(matrix.dtype), right.astype(matrix.dtype)


def macs(weights: Sequence[Array], positions: Sequence[int]) -> int:
    """Return the multiply-accumulates of layers one after the other, by their output positions."""
    return sum(prod(weight.shape) * count for weight, count in zip(weights, positions, strict=True))
