"""Fine-tuning: a network learns on from the labels of a training set."""

from __future__ import annotations

from dataclasses import dataclass

from core.params import setting
from core.passes.training.effort import learning_rate, minutes, steps
from core.passes.training.learner import Learner
from core.passes.training.recovery import Aims


@dataclass(frozen=True)
class FineTuneParams:
    """How long to learn."""

    minutes: float = minutes()
    augment: bool = setting(
        True, "Augmentation", help="Mirrors and shifts images, where your model answers these alike."
    )
    learning_rate: float = learning_rate()
    steps: int = steps()


class FineTune(Learner):
    """Cross-entropy with smoothed labels, or the squared error where labels are numbers."""

    id = "fine_tune"
    name = "Fine-tuning"
    summary = "Trains the network on the labels of your training set: recovers accuracy where they are many."
    Params = FineTuneParams

    def aims(self, params: FineTuneParams) -> Aims:
        """The labels alone."""
        return Aims(labels=1.0, augment=params.augment)


PASS = FineTune()
