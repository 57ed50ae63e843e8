"""Knowledge distillation: a changed network learns to answer as the uploaded one does."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.learn import Learn, Picture
from core.params import setting
from core.passes.training.effort import learning_rate, minutes, steps
from core.passes.training.learner import Learner
from core.passes.training.recovery import Aims


@dataclass(frozen=True)
class DistillParams:
    """How long to learn, and from what."""

    minutes: float = minutes()
    temperature: float = setting(
        4.0,
        "Temperature",
        help="Higher teaches more of how the model ranks wrong classes.",
        low=1.0,
        high=20.0,
    )
    labels: float = setting(
        0.1,
        "Share of labels",
        help="How much labels count beside the model's own answers, where the training set has some.",
        low=0.0,
        high=0.9,
    )
    learning_rate: float = learning_rate()
    steps: int = steps()


class Distill(Learner):
    """Hinton et al. 2015 (arXiv 1503.02531), with the patience of Beyer et al. 2022 (arXiv 2106.05237)."""

    id = "distill"
    name = "Distillation"
    summary = (
        "Trains the smaller network to answer as your model does: gives back most of what pruning costs, in "
        "minutes, also without labels."
    )
    learn = Learn(
        does="The changed network is trained to give the answers of your model, all classes with their "
        "scores, and not only the label.",
        costs="Minutes on a few cores. It needs real inputs, but no labels.",
        choose="After pruning, depth pruning or factorization: the usual way to get their loss back.",
        expect="Gives back half to nearly all of what pruning cost, in minutes",
        picture=Picture.CURVE,
    )
    Params = DistillParams

    def aims(self, params: DistillParams) -> Aims:
        """The teacher's answers, and labels where there are some."""
        return Aims(params.temperature, params.labels)


PASS = Distill()
