"""Parameters of all techniques that train: how long and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from core.params import setting
from core.protocols import Training

USUAL_MINUTES = 2.0
"""Without a time budget."""


@dataclass(frozen=True)
class Effort:
    """How long it learns and how fast.

    Attributes:
        seconds: Of training; the number of steps is planned to fill them. Infinite: until the deadline.
        steps: Exactly so many instead, where not 0.
        rate: Largest learning rate; 0 chooses by the network.
        seed: Of the order of the rows.
    """

    seconds: float
    steps: int = 0
    rate: float = 0.0
    seed: int = 0


def minutes() -> Any:
    """Return the setting of the time to learn."""
    return setting(
        0.0,
        "Training time",
        unit="min",
        help="Longer recovers more accuracy; 0 takes what a time budget gives, or 2 minutes without one.",
        low=0.0,
        high=1440.0,
    )


def steps() -> Any:
    """Return the setting of the number of steps."""
    return setting(
        0,
        "Fixed length",
        unit="steps",
        help="0 plans as many steps as fit the time; a number makes the training repeatable.",
        low=0,
        high=10**7,
    )


def learning_rate() -> Any:
    """Return the setting of the largest learning rate."""
    return setting(
        0.0,
        "Learning rate",
        help="0 chooses by the network's layers: 0.05 with batch norms, 0.0005 without.",
        low=0.0,
        high=10.0,
    )


def effort(training: Training, minutes: float, steps: int, rate: float, seed: int) -> Effort:
    """Return how long and how fast to learn, by these settings."""
    seconds = 60 * minutes
    if not seconds:
        seconds = inf if training.filled else 60 * USUAL_MINUTES
    return Effort(seconds, steps, rate, seed)
