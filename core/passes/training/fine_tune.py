"""Fine-tuning: a network learns on from the labels of a training set."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.learn import Learn, Picture
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
    learn = Learn(
        does="The changed network is trained on the labels of a training set, with a small learning rate "
        "that falls to zero.",
        costs="Minutes to hours, and a training set with many labels. Few labels are learned by heart.",
        choose="After pruning or factorization, when you have the original training set. Without labels "
        "take distillation.",
        expect="Gives back most of what pruning cost, where there are thousands of labels",
        picture=Picture.CURVE,
    )
    Params = FineTuneParams

    def aims(self, params: FineTuneParams) -> Aims:
        """The labels alone."""
        return Aims(labels=1.0, augment=params.augment)


PASS = FineTune()
