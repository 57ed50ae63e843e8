"""Train the sample models: `python -m sample_models.train [ID ...]`, some fifteen minutes of one core."""

from __future__ import annotations

import argparse
import sys
import time
from math import isqrt
from typing import TYPE_CHECKING

from core.architectures import build
from sample_models.catalogue import FOLDER
from sample_models.data import training_rows
from sample_models.files import write
from sample_models.plans import PLANS, TrainingPlan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.architectures.networks.transformer import TokenTransformer

SEED = 7
BATCH = 32
DECAY = 0.05
SMOOTHING = 0.05
THREADS = 1
"""Part of the result, because sums split over threads round differently."""


def train(plan: TrainingPlan, seed: int = SEED) -> nn.Module:
    """A network trained on the training half with AdamW and a one-cycle rate; the same on every run."""
    import torch
    from torch.nn import functional as F

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(THREADS)
    inputs, labels = (torch.from_numpy(array) for array in training_rows(plan.id))
    network = build(plan.architecture).train()
    _prepare(network, inputs)
    steps = plan.epochs * (len(labels) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.rate, total_steps=steps)
    for _ in range(plan.epochs):
        order = torch.randperm(len(labels))[: len(labels) // BATCH * BATCH]
        for rows in order.split(BATCH):
            logits = network(inputs[rows])
            loss = F.cross_entropy(logits, labels[rows], label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def _prepare(network: nn.Module, inputs: Tensor) -> None:
    """What is known before training: the features' scale, and that token ids are brightnesses on a square."""
    from core.architectures.networks.mlp import TabularMlp
    from core.architectures.networks.transformer import TokenTransformer

    if isinstance(network, TabularMlp):
        network.mean.copy_(inputs.mean(dim=0))
        network.scale.copy_(inputs.std(dim=0))
    if isinstance(network, TokenTransformer):
        _order_tokens(network)


def _order_tokens(network: TokenTransformer) -> None:
    """Start with embeddings that grow with the token id, and positions that are a row plus a column.

    Without this the few hundred training digits do not suffice to learn either.
    """
    import torch

    with torch.no_grad():
        values, width = network.embed.weight.shape
        brightness = torch.linspace(-1, 1, values).reshape(values, 1)
        network.embed.weight.copy_(
            0.7 * brightness * torch.randn(1, width) + 0.07 * torch.randn(values, width)
        )
        side = isqrt(network.position.shape[1])
        places = torch.randn(side, 1, width) + torch.randn(1, side, width)
        network.position.copy_(0.35 * places.reshape(1, side * side, width))


def main() -> None:
    """Train and write the samples named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help=", ".join(plan.id for plan in PLANS))
    wanted = parser.parse_args().ids
    for plan in PLANS:
        if wanted and plan.id not in wanted:
            continue
        began = time.monotonic()
        card = write(plan, train(plan), SEED, FOLDER / plan.id)
        found = {kind: entry["accuracy"] for kind, entry in card["files"].items()}
        print(f"{plan.id}: {found}, {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
