"""Batch-norm re-estimation: the variant of training that takes seconds and changes no weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind, NoParams
from core.errors import PassNotApplicable
from core.passes.library_errors import library
from core.passes.training.network import Network
from core.passes.training.outcome import HINT, require_better
from core.passes.training.recovery import reestimated, training_of
from core.protocols import Idea, LocalArtifact, PassContext, Trainer


class ReestimateNorms(Trainer):
    """Batch norms get the statistics that the network's layers have now, see `norms`."""

    id = "reestimate_norms"
    name = "Batch-norm re-estimation"
    summary = "Measures the batch norms' statistics anew: gives back part of what pruning costs, in seconds."
    learn = Learn(
        does="The means and variances of batch norms are measured anew on samples, since the layers "
        "before them have changed.",
        costs="Seconds and some hundred samples without labels. The weights stay.",
        choose="Right after pruning, before or in place of training. It does nothing for networks without "
        "batch norms.",
        expect="Gives back a part of what pruning cost: much after strong pruning, little after slight",
        picture=Picture.CURVE,
    )
    kind = Kind.TRAINING
    version = 2
    on_source = True
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2"}
    fits = True
    libraries = ("torch", "openvino")
    build_s = (8.0, 4.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself after depth pruning: channel pruning corrects its statistics by itself."""
        yield Idea(3, 375, "openvino", (Step("prune_depth"), Step(self.id)), remainder=True)

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Run the rows through the network and keep the statistics that they leave, where these are better.

        Raises:
            PassNotApplicable: The network has no batch norms, or there are no rows.
            PassFailed: PyTorch broke on the network.
        """
        training_of(context)
        with library("Batch-norm re-estimation", context.folder, HINT):
            network = Network.opened(artifact, context)
            if not network.norms:
                raise PassNotApplicable(
                    "The network has no batch norms of its own: they may be part of its convolutions by now.",
                    hint="Distil instead, or upload the network as it was trained.",
                )
            details = reestimated(network, context)
            return network.save(context, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that the search rows are read no worse than before.

        Raises:
            PassFailed: They are.
        """
        require_better(after.details)


PASS = ReestimateNorms()
