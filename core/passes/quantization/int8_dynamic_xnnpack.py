"""Dynamic INT8 for XNNPACK, which ExecuTorch runs: linear layers of an exported program, without data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn, Picture
from core.domain.run import Result
from core.domain.technique import Kind, NoParams, Precision
from core.examples import example_feed
from core.graphs.torch.modules import open_module
from core.passes.library_errors import library
from core.passes.quantization.heavy_products import require_products
from core.passes.quantization.int8_findings import int8_findings
from core.passes.quantization.pt2e_xnnpack import (
    check_quantized,
    counts,
    linear_weights,
    quantize,
    require_quantized,
)
from core.passes.torch_calls import answers, rewritten
from core.protocols import LocalArtifact, Pass, PassContext

HINT = "Try static INT8, or dynamic INT8 on ONNX Runtime."


class Int8DynamicXnnpack(Pass):
    """PT2E with XNNPACK's quantizer: per-channel weights, activations scaled as they come.

    Source: ExecuTorch's documentation of the XNNPACK backend, Quantization.
    """

    id = "int8_dynamic_xnnpack"
    name = "INT8 dynamic, XNNPACK"
    summary = "Stores linear layers in 8 bits as XNNPACK multiplies them on phones; needs no data."
    learn = Learn(
        does="Linear layers store 8-bit weights, and XNNPACK scales their inputs to 8 bits as they come.",
        costs="Little accuracy, and the time to scale. Convolutions stay in float.",
        choose="For transformers on ExecuTorch, and where there is no data to calibrate on.",
        expect="Up to a quarter of the size, 0 to 0.5 points lost",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    on_source = True
    produces: ClassVar[dict[str, str]] = {"pt2": "pt2"}
    libraries = ("torch", "torchao", "executorch")
    build_s = (12.0, 2.0)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Quantize, export, compare.

        Raises:
            PassNotApplicable: Linear layers hold few of the weights, or they are in 8 bits already.
            PassFailed: PT2E broke on it, or the new program does not run as the old one does.
        """
        with library("XNNPACK's quantizer", context.folder, HINT):
            module = open_module(artifact, context.model)
            require_products(*linear_weights(module))
            before = answers(module, context)
            made = quantize(module, context, [example_feed(context.model, seed=context.seed)], dynamic=True)
            found = counts(made)
            require_quantized(found)
            return rewritten(made, before, artifact, context, found, HINT)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that layers are in 8 bits and something is left of the signal.

        Raises:
            PassFailed: They are not.
        """
        check_quantized(after, HINT)


PASS = Int8DynamicXnnpack()
