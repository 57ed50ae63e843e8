"""Knowledge distillation: a changed network learns to answer as the uploaded one does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.run import Result
from core.domain.technique import Kind
from core.params import setting
from core.passes.library_errors import library
from core.passes.training.effort import effort, learning_rate, minutes, steps
from core.passes.training.network import Network
from core.passes.training.recovery import HINT, Aims, findings, recover, require_better, training_of
from core.protocols import LocalArtifact, PassContext, Trainer


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


class Distill(Trainer):
    """Hinton et al. 2015 (arXiv 1503.02531), with the patience of Beyer et al. 2022 (arXiv 2106.05237)."""

    id = "distill"
    name = "Distillation"
    summary = (
        "Trains the smaller network to answer as your model does: gives back most of what pruning costs, in "
        "minutes, also without labels."
    )
    kind = Kind.TRAINING
    on_source = True
    Params = DistillParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2"}
    fits = True
    libraries = ("torch", "openvino")
    build_s = (125.0, 0.0)

    def run(self, context: PassContext, artifact: LocalArtifact, params: DistillParams) -> LocalArtifact:
        """Learn from the teacher's answers to the rows that are given, with labels where there are some.

        Raises:
            PassNotApplicable: There are no rows, no weights, no outputs to learn by, or too little memory.
            PassFailed: PyTorch broke on the network.
        """
        training, aims = training_of(context), Aims(params.temperature, params.labels)
        planned = effort(training, params.minutes, params.steps, params.learning_rate, context.seed)
        with library("Distillation", context.folder, HINT):
            network = Network.opened(artifact, context)
            details = recover(network, context, aims, planned)
            return network.save(context, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: DistillParams) -> None:
        """Check that the search rows are read no worse than before.

        Raises:
            PassFailed: They are.
        """
        require_better(after.details)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what it gained."""
        return findings(self.name, details)


PASS = Distill()
