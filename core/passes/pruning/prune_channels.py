"""Structured channel pruning: the least important channels go, and the tensors themselves become smaller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind
from core.errors import PassFailed
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.library_errors import library
from core.passes.pruning import prune_channels_onnx, prune_channels_torch
from core.passes.pruning.pruned_network import HINT
from core.protocols import Idea, LocalArtifact, Pass, PassContext
from core.pruning.selection import PruningRule


def importance() -> Any:
    """Return the setting of what a channel is judged by."""
    return setting(
        "l2",
        "Importance",
        help="Norm of a channel's weights (l2, l1), gain of its batch norm (bn_scale), or how much the loss "
        "on data depends on it to first order (taylor; PyTorch models only).",
        choices=("l2", "l1", "bn_scale", "taylor"),
        words={"taylor": "by loss", "bn_scale": "by norm gain"},
    )


@dataclass(frozen=True)
class PruneChannelsParams:
    """How many channels go, and by what measure."""

    ratio: float = setting(
        0.3,
        "Removed channels",
        help="More is faster and costs accuracy.",
        low=0.05,
        high=0.9,
        strength=True,
    )
    round_to: int = setting(
        8,
        "Round widths to",
        help="Kernels like multiples of 8; narrow layers are rounded to an eighth of their width.",
        low=1,
        high=64,
    )
    criterion: str = importance()
    scope: str = setting(
        "layer",
        "Least important of",
        help="Layer: the same share everywhere. Global: more where channels differ most; riskier.",
        choices=("layer", "global"),
    )
    residuals: bool = setting(
        False,
        "Residual streams too",
        help="Removes channels that many layers share as well: much smaller, and much less accurate.",
    )
    refresh_norms: bool = setting(
        True,
        "Correct statistics",
        help="Gives the layers the means and spreads they had on calibration data: far more accurate.",
    )

    @property
    def rule(self) -> PruningRule:
        """How to choose channels."""
        return PruningRule(self.ratio, self.round_to, self.criterion, self.scope, self.residuals)


class PruneChannels(Pass):
    """Groups as in DepGraph (Fang et al. 2023, arXiv 2301.12900), norms as in Li et al. 2017 (1608.08710)."""

    id = "prune_channels"
    name = "Channel pruning"
    summary = (
        "Removes the least important channels: a smaller and faster network that loses accuracy unless it "
        "is trained on."
    )
    learn = Learn(
        does="Whole channels with the least weights are removed together with everything that makes and "
        "reads them. What is left is a smaller network for every runtime.",
        costs="Accuracy: some points at a third of the channels. Means and spreads are corrected from "
        "calibration samples; training gives back most of the rest.",
        choose="For convolutional networks, before quantization, and with training behind it where you have "
        "data. Widths of transformers are mostly tied.",
        expect="A third of the channels gone is about half of the work: 1.3 to 2 times faster, some points "
        "lost before training",
        picture=Picture.CHANNELS,
    )
    kind = Kind.PRUNING
    on_source = True
    Params = PruneChannelsParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2", "onnx": "onnx"}
    calibrates = True
    fits = True
    searches = True
    libraries = ("torch", "onnx", "onnxruntime")
    build_s = (6.0, 2.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield two sizes of network, as they are and quantized."""
        third, half = Step(self.id, {"ratio": 0.3}), Step(self.id, {"ratio": 0.5})
        yield Idea(2, 240, "openvino", (third,), remainder=True)
        yield Idea(2, 250, "openvino", (third,), quantized=True, remainder=True)
        yield Idea(3, 340, "onnxruntime", (third, Step("int8_static_ort")))
        yield Idea(3, 350, "openvino", (half,), remainder=True)
        yield Idea(3, 360, "openvino", (half,), quantized=True, remainder=True)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: PruneChannelsParams
    ) -> LocalArtifact:
        """Find the groups, remove the least important channels of each, correct what is left.

        Raises:
            PassNotApplicable: No channel can be removed; the message says what ties them.
            PassFailed: The smaller network does not run as the original does.
        """
        prune = prune_channels_onnx.prune if artifact.format == "onnx" else prune_channels_torch.prune
        with library("Channel pruning", context.folder, HINT) as work:
            return prune(context, artifact, params.rule, params.refresh_norms, work)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: PruneChannelsParams) -> None:
        """Check that there are strictly fewer parameters, in the file too.

        Raises:
            PassFailed: There are not.
        """
        held = _parameters(after)
        if not after.details["parameters"] < after.details["parameters_before"]:
            raise PassFailed("Not one parameter was removed.", hint=HINT)
        if held >= after.details["parameters_before"]:
            raise PassFailed(f"The file still holds {held:,} parameters.", hint=HINT)


def _parameters(artifact: LocalArtifact) -> int:
    if artifact.format == "onnx":
        model = onnx_files.load(artifact.path, weights=False)
        return sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer if tensor.data_type == 1)
    from core.graphs.torch.modules import load_exported

    return sum(int(value.numel()) for value in load_exported(artifact.path).state_dict.values())


PASS = PruneChannels()
