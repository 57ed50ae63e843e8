from __future__ import annotations

from dataclasses import replace

from sample_models.plans import PLANS
from sample_models.train import train


def test_training_is_the_same_twice() -> None:
    import torch

    plan = replace(PLANS[2], epochs=1)
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        one, two = train(plan).state_dict(), train(plan).state_dict()
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
    assert all(torch.equal(one[key], two[key]) for key in one)
