"""Static INT8 for XNNPACK, which ExecuTorch runs: an exported program with quantized layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.graphs.torch.modules import open_module
from core.params import setting
from core.passes.library_errors import library
from core.passes.quantization.calibration import MOST, CalibrationFeeds
from core.passes.quantization.int8_findings import int8_findings
from core.passes.quantization.pt2e_xnnpack import check_quantized, counts, quantize, require_quantized
from core.passes.torch_calls import answers, rewritten
from core.protocols import Idea, LocalArtifact, Pass, PassContext

ON_PYTORCH = ("pt2", "state_dict")
"""Formats of uploads that presets try it on; others come to it by conversions that cost their budget."""
HINT = "Try dynamic INT8, or static INT8 on ONNX Runtime or OpenVINO."


@dataclass(frozen=True)
class Int8StaticXnnpackParams:
    """What to trade for what."""

    samples: int = setting(
        128, "Calibration samples", help="More find better ranges and take longer.", low=1, high=MOST
    )


class Int8StaticXnnpack(Pass):
    """PT2E with XNNPACK's quantizer: per-channel weights, ranges of activations from observers.

    Source: ExecuTorch's documentation of the XNNPACK backend, Quantization; torchao's of PT2E.
    """

    id = "int8_static_xnnpack"
    name = "INT8 static, XNNPACK"
    summary = (
        "Stores weights and computes layers in 8 bits as XNNPACK does on phones, with ranges found from data."
    )
    learn = Learn(
        does="Convolutions, linear layers and sums get 8-bit weights and activations, in the form that "
        "XNNPACK has kernels for; PyTorch's quantization of exported programs finds the ranges from "
        "calibration samples.",
        costs="Usually some tenths of a point, more for networks with depthwise convolutions. It needs some "
        "hundred samples of real data.",
        choose="For ExecuTorch on phones. On servers, static INT8 on OpenVINO or ONNX Runtime is faster.",
        expect="A quarter of the size; 1.5 to 3 times faster than FP32 on the same runtime, on ARM with dot "
        "products",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    on_source = True
    Params = Int8StaticXnnpackParams
    produces: ClassVar[dict[str, str]] = {"pt2": "pt2"}
    calibrates = True
    fits = True
    libraries = ("torch", "torchao", "executorch")
    build_s = (12.0, 20.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return itself behind what is faster on servers: it takes a fraction of the memory."""
        steps = (Step(self.id), Step("export_executorch"))
        return (Idea(2, 295, "executorch", steps),) if model.format in ON_PYTORCH else ()

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8StaticXnnpackParams
    ) -> LocalArtifact:
        """Observe ranges, quantize, export, compare.

        Raises:
            PassNotApplicable: No layer can be quantized, or they are already.
            PassFailed: PT2E broke on it, or the new program does not run as the old one does.
        """
        feeds = CalibrationFeeds(context, params.samples)
        with library("XNNPACK's quantizer", context.folder, HINT):
            module = open_module(artifact, context.model)
            before = answers(module, context)
            made = quantize(module, context, feeds, dynamic=False)
            found = counts(made)
            require_quantized(found)
            details = found | {"samples": feeds.count}
            return rewritten(made, before, artifact, context, details, HINT)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8StaticXnnpackParams) -> None:
        """Check that layers are in 8 bits and something is left of the signal.

        Raises:
            PassFailed: They are not.
        """
        check_quantized(after, HINT)


PASS = Int8StaticXnnpack()
