from __future__ import annotations

from dataclasses import replace

from sample_models.plans import PLANS
from sample_models.train import _shifted, _varied, train


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


def test_shifting_moves_pixels_and_keeps_the_shape() -> None:
    import torch

    torch.manual_seed(1)
    batch = torch.zeros(2, 1, 8, 8)
    batch[:, :, 4, 4] = 1.0
    moved = [_shifted(batch, 1) for _ in range(8)]
    assert all(image.shape == batch.shape and image.sum() == 2 for image in moved)
    assert len({int(image[0].argmax()) for image in moved}) > 1


def test_jittered_tokens_stay_in_the_vocabulary() -> None:
    import torch

    tokens = torch.tensor([[0, 16] * 32])
    varied = _varied(tokens, PLANS[1])
    assert varied.dtype == torch.int64
    assert not torch.equal(varied, tokens)
    assert (varied.min(), varied.max()) == (0, 16)
