"""Base of the techniques that train for minutes: they differ in what they learn from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.run import Result
from core.domain.technique import Kind
from core.passes.library_errors import library
from core.passes.training.effort import effort
from core.passes.training.loop import RATE
from core.passes.training.network import Network
from core.passes.training.outcome import HINT, findings, require_better
from core.passes.training.recovery import Aims, recover, training_of
from core.protocols import LocalArtifact, PassContext, Trainer

FURTHER_RATE = 0.4
"""Of the learning rate of the training before it: what is trained already is not to be stirred up as much."""


class Learner(Trainer):
    """Trains a network towards its aims; its parameters hold minutes, steps and learning rate."""

    kind = Kind.TRAINING
    version = 3
    on_source = True
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2"}
    fits = True
    libraries: ClassVar[tuple[str, ...]] = ("torch", "openvino")
    build_s = (125.0, 0.0)

    @abstractmethod
    def aims(self, params: Any) -> Aims:
        """Return what is learned from."""

    def usual_rate(self, artifact: LocalArtifact) -> float:
        """Return the learning rate where none is chosen; 0 for the optimizer's."""
        return float(FURTHER_RATE * artifact.details.get(RATE, 0.0))

    def network(self, context: PassContext, artifact: LocalArtifact, params: Any, work: Path) -> Network:
        """Return what learns: the artifact's network, if nothing else is said.

        Args:
            context: Of the pass.
            artifact: Of a format that it takes.
            params: Of the pass.
            work: For files that it needs meanwhile.

        Raises:
            PassNotApplicable: It has no weights.
        """
        return Network.opened(artifact, context)

    def run(self, context: PassContext, artifact: LocalArtifact, params: Any) -> LocalArtifact:
        """Learn, and keep the weights that read the search rows best.

        Raises:
            PassNotApplicable: There are no rows or labels to learn by, no weights, or too little memory.
            PassFailed: PyTorch broke on the network.
        """
        training, aims = training_of(context), self.aims(params)
        rate = params.learning_rate or self.usual_rate(artifact)
        planned = effort(training, params.minutes, params.steps, rate, context.seed)
        with library(self.name, context.folder, HINT) as work:
            network = self.network(context, artifact, params, work)
            details = recover(network, context, aims, planned)
            return network.save(context, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Any) -> None:
        """Check that the search rows are read no worse than before.

        Raises:
            PassFailed: They are.
        """
        require_better(after.details)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what it gained."""
        return findings(self.name, details)
