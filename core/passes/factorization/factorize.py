"""Low-rank factorization: a layer becomes two thinner ones, where that was measured to be faster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core.domain.finding import Figure, Finding, FindingKind
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassFailed
from core.params import setting
from core.passes.factorization import layers
from core.passes.library_errors import library
from core.protocols import Idea, LocalArtifact, Pass, PassContext


@dataclass(frozen=True)
class FactorizeParams:
    """How much of each weight may be lost."""

    loss: float = setting(
        0.1,
        "Lost energy",
        help="Share of a weight's squared norm that may go. More is faster and costs accuracy.",
        low=0.001,
        high=0.6,
        strength=True,
    )


class Factorize(Pass):
    """Truncated singular value decomposition of each layer; sources stand in `low_rank`."""

    id = "factorize"
    name = "Low-rank factorization"
    summary = (
        "Splits layers of low rank into two thinner ones where these are measured to be faster; loses "
        "accuracy unless it is trained on."
    )
    learn = Learn(
        does="The matrix of a layer is replaced by the product of two thinner ones that are almost the "
        "same, where both together are measured to be faster.",
        costs="Accuracy, by the part of the matrix that the lower rank leaves out. Two layers have the "
        "overhead of two calls.",
        choose="For wide linear layers and convolutions of low rank. Train afterwards where it loses too "
        "much.",
        expect="1.1 to 1.5 times faster where layers are of low rank, nothing where they are not",
        picture=Picture.FACTORS,
    )
    kind = Kind.FACTORIZATION
    on_source = True
    Params = FactorizeParams
    produces: ClassVar[dict[str, str]] = {"pt2": "pt2"}
    measures = True
    libraries = ("torch", "numpy")
    build_s = (10.0, 5.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield two strengths with recovery."""
        recovery = Step("distill")
        stronger = (Step(self.id, {"loss": 0.3}), recovery)
        yield Idea(3, 375, "openvino", (Step(self.id), recovery), remainder=True)
        yield Idea(3, 376, "openvino", stronger, remainder=True)
        yield Idea(3, 377, "openvino", stronger, quantized=True, remainder=True)

    def run(self, context: PassContext, artifact: LocalArtifact, params: FactorizeParams) -> LocalArtifact:
        """Split each layer at the rank that keeps enough, time it alone both ways, and keep what is faster.

        Raises:
            PassNotApplicable: No layer becomes faster at this rank.
            PassFailed: The factorized network does not run as the original does.
        """
        with library("Factorization", context.folder, layers.HINT) as work:
            return layers.factorize(context, artifact, 1 - params.loss, work)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: FactorizeParams) -> None:
        """Check that there are fewer weights.

        Raises:
            PassFailed: There are not.
        """
        if not after.details["parameters"] < after.details["parameters_before"]:
            raise PassFailed("There are as many weights as before.", hint=layers.HINT)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Yield how many layers were worth splitting."""
        if "factorized" in details:
            split = len(details["factorized"])
            yield Finding(
                "factorized",
                FindingKind.NOTE,
                f"{split} of {details['layers']} layers were split into two.",
                f"Alone, they were faster so {details['judged_by']}.",
                figure=Figure(split, "layers"),
            )


PASS = Factorize()
