from __future__ import annotations

import copy

import numpy as np
import torch

from core.graphs.torch.modules import quiet_torch
from core.pruning.selection import PruningRule
from core.pruning.torch import batch_norm_statistics, channels
from tests.pruning.conftest import Network
from tests.pruning.masks import masked


def test_cutting_equals_zeroing_and_ends_in_fewer_weights(network: Network) -> None:
    small, silenced = copy.deepcopy(network.module), copy.deepcopy(network.module)
    tracer = channels.trace(small, (network.example(),))
    keep = channels.prune(small, tracer, PruningRule(0.4, round_to=2))
    assert keep is not None
    assert channels.parameters(small) < 0.95 * channels.parameters(network.module)
    for name, array in masked(tracer, keep).items():
        channels.replace(silenced, name, array)
    for batch in (1, 3):
        with quiet_torch():
            cut, zeroed = (each(network.example(batch)).numpy() for each in (small, silenced))
            whole = network.module(network.example(batch)).numpy()
        np.testing.assert_allclose(cut, zeroed, atol=1e-5)
        assert np.abs(cut - whole).max() > 1e-3


def test_corrected_statistics_come_closer_to_the_original(network: Network) -> None:
    small = copy.deepcopy(network.module)
    tracer = channels.trace(small, (network.example(),))
    keep = channels.prune(small, tracer, PruningRule(0.4, round_to=2))
    assert keep is not None
    other = torch.randn(64, *network.shape, generator=torch.Generator().manual_seed(2))
    with quiet_torch():
        expected, before = network.module(other), small(other)
        layers = batch_norm_statistics.reestimate(network.module, small, tracer, keep, (network.example(64),))
        after = small(other)
    assert layers >= 3
    assert float((after - expected).square().mean()) < float((before - expected).square().mean())
