"""Fine-tuning: a network learns on from the labels of a training set."""

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
class FineTuneParams:
    """How long to learn."""

    minutes: float = minutes()
    augment: bool = setting(
        True, "Augmentation", help="Mirrors and shifts images, where your model answers these alike."
    )
    learning_rate: float = learning_rate()
    steps: int = steps()


class FineTune(Trainer):
    """Cross-entropy with smoothed labels, or the squared error where labels are numbers."""

    id = "fine_tune"
    name = "Fine-tuning"
    summary = "Trains the network on the labels of your training set: recovers accuracy where they are many."
    kind = Kind.TRAINING
    on_source = True
    Params = FineTuneParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2"}
    fits = True
    libraries = ("torch", "openvino")
    build_s = (125.0, 0.0)

    def run(self, context: PassContext, artifact: LocalArtifact, params: FineTuneParams) -> LocalArtifact:
        """Learn from the labels.

        Raises:
            PassNotApplicable: There are no labels that fit an output, no weights, or too little memory.
            PassFailed: PyTorch broke on the network.
        """
        training, aims = training_of(context), Aims(labels=1.0, augment=params.augment)
        planned = effort(training, params.minutes, params.steps, params.learning_rate, context.seed)
        with library("Fine-tuning", context.folder, HINT):
            network = Network.opened(artifact, context)
            details = recover(network, context, aims, planned)
            return network.save(context, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: FineTuneParams) -> None:
        """Check that the search rows are read no worse than before.

        Raises:
            PassFailed: They are.
        """
        require_better(after.details)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what it gained."""
        return findings(self.name, details)


PASS = FineTune()
