"""Checkpoint of a training: weights, optimizer and how far it is, written beside and renamed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core.passes.training.network import State

if TYPE_CHECKING:
    from torch.optim import Optimizer

NAME = "state.pt"
STATES = ("weights", "best", "average")


@dataclass
class Course:
    """How far a training is.

    Attributes:
        step: Steps done.
        steps: Steps planned in all.
        seconds: Trained so far, in this process and before.
        first: Figures of the weights that it began with.
        best: Figures of the best weights.
        best_step: After how many steps these were found.
        slowdown: Factor on the learning rate, after explosions.
        restarts: How often it went back to the best weights.
    """

    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    first: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_step: int = 0
    slowdown: float = 1.0
    restarts: int = 0


def save(folder: Path, course: Course, states: Mapping[str, State], optimizer: Optimizer) -> None:
    """Keep a training in `folder`; a kill at any moment leaves the one before whole.

    Args:
        folder: Where it goes.
        course: How far it is.
        states: `STATES` of the network.
        optimizer: With what it knows of the steps before.
    """
    import torch

    state = {"course": asdict(course), **states, "optimizer": optimizer.state_dict()}
    beside = folder / f"{NAME}.new"
    torch.save(state, beside)
    beside.replace(folder / NAME)


def load(folder: Path) -> tuple[Course, dict[str, Any]] | None:
    """Return what `save` kept, or None where there is nothing that can be read."""
    import torch

    try:
        state = torch.load(folder / NAME, weights_only=True, map_location="cpu")
        if not {*STATES, "optimizer"} <= set(state):
            return None
        return msgspec.convert(state["course"], Course), state
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError, msgspec.ValidationError):
        return None
