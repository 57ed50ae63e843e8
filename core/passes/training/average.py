"""Moving average of a network's weights: often reads new rows better than the weights of the last step.

After Polyak and Juditsky 1992 (SIAM Journal on Control and Optimization 30, 838), with steps forgotten
exponentially as in Tarvainen and Valpola 2017 (arXiv 1703.01780).
"""

from __future__ import annotations

from core.passes.training.network import Network, State

WINDOW = 0.35
"""Share of all steps that the average reaches back."""
BEGINNING = 10
"""Steps by which the first ones are forgotten soon."""


def average(kept: State, network: Network, step: int, steps: int) -> None:
    """Add the weights and statistics of `network` to those `kept`, in place.

    Args:
        kept: Of all steps before.
        network: After `step` of `steps`.
        step: From 1 on.
        steps: Planned in all.
    """
    import torch

    share = max(1 / (1 + WINDOW * steps), BEGINNING / (BEGINNING + step))
    with torch.no_grad():
        for name, value in network.module.state_dict().items():
            if value.is_floating_point():
                kept[name].lerp_(value, share)
            else:
                kept[name].copy_(value)
