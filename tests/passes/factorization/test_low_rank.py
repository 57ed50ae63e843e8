from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from core.passes.factorization.low_rank import channel_factors, spatial_factors


def kernel(rank: int) -> np.ndarray:
    """(12, 10, 3, 3) of so low a rank over outputs."""
    random = np.random.default_rng(0)
    return (random.standard_normal((12, rank)) @ random.standard_normal((rank, 90))).reshape(12, 10, 3, 3)


def test_a_weight_of_low_rank_loses_nothing_by_channels() -> None:
    weight = kernel(3).astype(np.float32)
    found = channel_factors(weight, 0.9999)
    assert (found.rank, found.first.shape, found.second.shape) == (3, (3, 10, 3, 3), (12, 3, 1, 1))
    np.testing.assert_allclose(np.einsum("orab,rihw->oihw", found.second, found.first), weight, atol=1e-4)


@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (1, 1)), ((2, 2), (1, 0))])
def test_a_column_and_a_row_compute_what_the_kernel_does(
    stride: tuple[int, int], padding: tuple[int, int]
) -> None:
    weight, x = (
        kernel(12).astype(np.float32),
        torch.randn(2, 10, 9, 8, generator=torch.Generator().manual_seed(0)),
    )
    found = spatial_factors(weight, 1.0)
    first, second = torch.from_numpy(found.first.copy()), torch.from_numpy(found.second.copy())
    column = conv2d(x, first, stride=(stride[0], 1), padding=(padding[0], 0))
    both = conv2d(column, second, stride=(1, stride[1]), padding=(0, padding[1]))
    expected = conv2d(x, torch.from_numpy(weight), stride=stride, padding=padding)
    np.testing.assert_allclose(both.numpy(), expected.numpy(), atol=1e-3)


def test_the_rank_is_the_smallest_that_keeps_the_energy() -> None:
    matrix = np.diag([4.0, 2.0, 1.0, 1.0])  # energies 16, 4, 1, 1 of 22
    assert channel_factors(matrix, 16 / 22).rank == 1
    assert channel_factors(matrix, 0.8).rank == 2
    assert channel_factors(matrix, 0.95).rank == 3
