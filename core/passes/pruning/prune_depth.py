"""Depth pruning: whole residual blocks go, those whose absence changes the outputs least for their time."""

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
from core.passes.pruning import prune_depth_onnx, prune_depth_torch
from core.passes.pruning.depth import HINT, DepthRule
from core.protocols import Idea, LocalArtifact, Pass, PassContext

NAMED = 8
"""Blocks that a finding names."""


@dataclass(frozen=True)
class PruneDepthParams:
    """How many blocks go, and how they are chosen."""

    share: float = setting(
        0.3,
        "Removed blocks",
        help="Share of the time of all blocks that can be left out. More is faster and costs accuracy.",
        low=0.05,
        high=0.9,
        strength=True,
    )
    blocks: int = setting(
        0, "Number of blocks", help="So many go instead of a share; 0 goes by the share.", low=0, high=200
    )
    samples: int = setting(
        512,
        "Rows to choose by",
        help="More rows choose better and take longer; large networks are given fewer.",
        low=16,
        high=4096,
    )
    refresh_norms: bool = setting(
        True,
        "Correct statistics",
        help="Gives the layers the means and spreads they had on calibration data, where that helps.",
    )

    @property
    def rule(self) -> DepthRule:
        """How to choose blocks."""
        return DepthRule(self.share, self.blocks, self.samples, self.refresh_norms)


class PruneDepth(Pass):
    """Residual networks are ensembles of paths that miss few blocks (Veit et al. 2016, arXiv 1605.06431).

    Chosen greedily by the error of the outputs for each block's measured time.
    """

    id = "prune_depth"
    name = "Depth pruning"
    summary = (
        "Leaves out the residual blocks that change the outputs least: a shorter and faster network that "
        "loses accuracy unless it is trained on."
    )
    learn = Learn(
        does="Residual blocks are left out, those whose absence changes the outputs least for the time "
        "that they take. The sum around a block passes its input on.",
        costs="Accuracy: a tenth of a point up to some points a block, and much more from the third block "
        "on without training.",
        choose="For deep residual networks and transformers, in which no width is free. Train by "
        "distillation afterwards.",
        expect="Faster by the share of the time of the blocks that go; several points lost before training",
        picture=Picture.DEPTH,
    )
    kind = Kind.PRUNING
    on_source = True
    Params = PruneDepthParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2", "onnx": "onnx"}
    calibrates = True
    fits = True
    measures = True
    libraries = ("torch", "onnx", "onnxruntime")
    build_s = (12.0, 20.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield two depths with recovery, in float and quantized; without recovery too much is lost."""
        third, half = Step(self.id, {"share": 0.35}), Step(self.id, {"share": 0.6})
        recovery = Step("distill")
        yield Idea(2, 230, "openvino", (third, recovery), remainder=True)
        yield Idea(2, 235, "openvino", (third, recovery), quantized=True, remainder=True)
        yield Idea(3, 330, "openvino", (half, recovery), remainder=True)
        yield Idea(3, 335, "openvino", (half, recovery), quantized=True, remainder=True)

    def run(self, context: PassContext, artifact: LocalArtifact, params: PruneDepthParams) -> LocalArtifact:
        """Find the blocks, remove the cheapest losses for the time, correct what is left.

        Raises:
            PassNotApplicable: There is no residual block that can go.
            PassFailed: The shorter network does not run as the original does.
        """
        prune = prune_depth_onnx.prune if artifact.format == "onnx" else prune_depth_torch.prune
        with library("Depth pruning", context.folder, HINT) as work:
            return prune(context, artifact, params.rule, work)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: PruneDepthParams) -> None:
        """Check that there are fewer operations.

        Raises:
            PassFailed: There are not.
        """
        if not after.details["macs"] < after.details["macs_before"]:
            raise PassFailed("Not one operation was removed.", hint=HINT)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Yield which blocks went and what that does to the outputs before any recovery."""
        removed = details.get("removed", [])
        if not removed:
            return
        told = ", ".join(removed[:NAMED]) + (" and others" if len(removed) > NAMED else "")
        yield Finding(
            "blocks_removed",
            FindingKind.NOTE,
            f"{len(removed)} of {details['removable']} removable residual blocks are gone: {told}.",
            f"They were chosen on {details['rows']} rows; right after it the {details['error_name']} of the "
            f"outputs is {details['error']:.3g}.",
            figure=Figure(len(removed), "blocks"),
        )


PASS = PruneDepth()
