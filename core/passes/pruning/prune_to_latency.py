"""Channel pruning to a latency: the widths that save the wanted milliseconds for the least importance."""

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
from core.passes.library_errors import library
from core.passes.pruning import width_search
from core.passes.pruning.prune_channels import importance
from core.passes.pruning.pruned_network import HINT
from core.protocols import Idea, LocalArtifact, Pass, PassContext


@dataclass(frozen=True)
class PruneToLatencyParams:
    """How much time is to be saved, and by what measure channels are chosen."""

    reduction: float = setting(
        0.25,
        "Less time",
        help="Share of the milliseconds on the recipe's target. More is faster and costs accuracy.",
        low=0.05,
        high=0.8,
        strength=True,
    )
    criterion: str = importance()
    residuals: bool = setting(
        False,
        "Residual streams too",
        help="Removes channels that many layers share as well: much faster, and much less accurate.",
    )
    refresh_norms: bool = setting(
        True,
        "Correct statistics",
        help="Gives the layers the means and spreads they had on calibration data: far more accurate.",
    )


class PruneToLatency(Pass):
    """Importance against milliseconds as a knapsack, after HALP (Shen et al. 2021, arXiv 2110.10811)."""

    id = "prune_to_latency"
    name = "Channel pruning to a latency"
    summary = (
        "Measures what each width costs on the target and removes the channels that save the wanted time for "
        "the least importance; loses accuracy unless it is trained on."
    )
    learn = Learn(
        does="It measures what each width of each layer costs on the target, and removes those channels "
        "that together save the wanted time for the least importance.",
        costs="Accuracy, as with channel pruning, but none for channels that save no time. It times layers "
        "for some seconds up to a minute.",
        choose="When you know by how much the latency has to fall. Train afterwards to recover.",
        expect="The asked-for share of the latency; fewer points lost than with one ratio for all layers",
        picture=Picture.CHANNELS,
    )
    kind = Kind.PRUNING
    on_source = True
    Params = PruneToLatencyParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2", "onnx": "onnx"}
    calibrates = True
    fits = True
    searches = True
    measures = True
    libraries = ("torch", "onnx", "onnxruntime")
    build_s = (30.0, 15.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield two speeds with recovery; without recovery `prune_channels` shows what is lost."""
        quarter, half = Step(self.id), Step(self.id, {"reduction": 0.45})
        recovery = Step("distill")
        yield Idea(3, 343, "openvino", (quarter, recovery), remainder=True)
        yield Idea(3, 345, "openvino", (quarter, recovery), quantized=True, remainder=True)
        yield Idea(3, 365, "openvino", (half, recovery), remainder=True)
        yield Idea(3, 366, "openvino", (half, recovery), quantized=True, remainder=True)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: PruneToLatencyParams
    ) -> LocalArtifact:
        """Measure the curves, choose the widths, prune, and measure what came of it.

        Raises:
            PassNotApplicable: No channel can be removed, or the time cannot be saved by removing channels.
            PassFailed: The smaller network does not run as the original does.
            RuntimeFailed: The target cannot run the network.
        """
        with library("Channel pruning", context.folder, HINT) as work:
            return width_search.prune(
                context, artifact, params.reduction, params.criterion, params.residuals,
                params.refresh_norms, work,
            )  # fmt: skip

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: PruneToLatencyParams) -> None:
        """Check that there are strictly fewer parameters.

        Raises:
            PassFailed: There are not.
        """
        if not after.details["parameters"] < after.details["parameters_before"]:
            raise PassFailed("Not one parameter was removed.", hint=HINT)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Yield what time was asked for and what the search saw."""
        if "reduction" not in details:
            return
        widths = details["widths"]
        narrowed = sum(now < before for before, now in widths)
        yield Finding(
            "narrowed",
            FindingKind.NOTE,
            f"{details['asked']:.0%} less time was asked for, {details['reduction']:.0%} was seen while "
            "building, on the target in FP32.",
            f"{narrowed} of {len(widths)} groups of channels are narrower.",
            figure=Figure(100 * details["reduction"], "%"),
        )


PASS = PruneToLatency()
