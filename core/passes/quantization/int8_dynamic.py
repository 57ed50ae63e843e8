"""Dynamic INT8 quantization by ONNX Runtime: weights are stored in 8 bits, activations follow at run time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassNotApplicable
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import onnx_outputs, require_finite, require_quantized
from core.passes.library_errors import library
from core.passes.quantization.coverage import onnx_counts, require_float
from core.passes.quantization.int8_findings import int8_findings
from core.passes.quantization.onnx_preprocessing import FLOAT, prepared
from core.passes.quantization.outliers import outliers
from core.protocols import Idea, LocalArtifact, Pass, PassContext

HINT = "Try static INT8, which needs calibration data but is faster."
OPERATORS = ["MatMul", "Attention", "LSTM"]
"""ONNX Runtime turns Gemm into MatMul here. Dynamic convolutions can be several times slower than float."""


@dataclass(frozen=True)
class Int8DynamicParams:
    """What to trade for what."""

    per_channel: bool = setting(
        False,
        "Scale per channel",
        help="One scale per output channel of a weight: more accurate, a bit slower.",
    )
    reduce_range: bool = setting(
        False, "Reduced range", help="7-bit weights: avoids overflows on CPUs without VNNI; less accurate."
    )
    embeddings: bool = setting(
        False, "Embeddings too", help="Tables that are only looked up shrink to a quarter; no faster."
    )
    convolutions: bool = setting(
        False, "Convolutions too", help="Smaller files, but often several times slower."
    )


class Int8Dynamic(Pass):
    """8-bit signed weights of matrix products and LSTMs; activations are scaled as they come."""

    id = "int8_dynamic"
    name = "INT8 dynamic"
    summary = "Stores the weights of matrix products and LSTMs in 8 bits; needs no data, suits transformers."
    learn = Learn(
        does="The weights of matrix products and LSTMs become 8-bit integers. Activations are scaled to 8 "
        "bits at each call, by the values that are there.",
        costs="Little accuracy, and some time at every call to find the scales. The answers to one sample "
        "may depend on what else is in its batch.",
        choose="For transformers and LSTMs without calibration data. It does nothing for convolutions.",
        expect="1.2 to 3 times faster for networks of large matrix products, up to a quarter of the size",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    Params = Int8DynamicParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    libraries = ("onnxruntime", "onnx")
    build_s = (2.0, 0.5)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself: early for texts, late for images, whose convolutions it leaves."""
        yield Idea(2, 270, "onnxruntime", (Step(self.id),))
        if not model.sees_images:
            yield Idea(1, 100, "onnxruntime", (Step(self.id),))

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(self, context: PassContext, artifact: LocalArtifact, params: Int8DynamicParams) -> LocalArtifact:
        """Prepare the graph and quantize its weights.

        Raises:
            PassNotApplicable: No weight can be quantized this way.
            PassFailed: ONNX Runtime broke on it, or the result does not run.
        """
        path = context.folder / "model.onnx"
        with library("ONNX Runtime's quantizer", context.folder, HINT) as work:
            model = prepared(artifact.path, context, work)
            onnx_edits.untie_gemm_weights(model)
            before = onnx_counts(model)
            _require_something(before)
            far = outliers(model)
            ready = onnx_files.save(model, work / "ready.onnx")[0]
            _quantize(ready, work / "quantized.onnx", params)
            result = onnx_files.load(work / "quantized.onnx")
            counts = onnx_counts(result)
            _require_change(before["quantized"], before["float_ops"], counts["quantized"])
            files = onnx_files.save(result, path)
            require_finite(onnx_outputs(path, context), onnx_outputs(artifact.path, context), HINT)
        return LocalArtifact("onnx", path, files, dict(artifact.options), counts | far)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8DynamicParams) -> None:
        """Check that integer products are there and outputs kept their names.

        Raises:
            PassFailed: They are not.
        """
        require_quantized(before, after, HINT)


def _quantize(source: Path, target: Path, params: Int8DynamicParams) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    chosen = OPERATORS + ["Gather"] * params.embeddings + ["Conv"] * params.convolutions
    quantize_dynamic(
        str(source),
        str(target),
        op_types_to_quantize=chosen,
        per_channel=params.per_channel,
        reduce_range=params.reduce_range,
        weight_type=QuantType.QInt8,
        use_external_data_format=source.stat().st_size > onnx_files.SINGLE_FILE_LIMIT // 2,
        extra_options={"EnableSubgraph": True, "DefaultTensorType": FLOAT},
    )


def _require_something(counts: dict[str, Any]) -> None:
    if counts["quantized"]:
        require_float(counts, HINT)
    if not counts["float"]:
        raise _nothing("none at all")


def _require_change(quantized: int, floating: dict[str, int], after: int) -> None:
    if after <= quantized:
        raise _nothing(", ".join(f"{count} {kind}" for kind, count in floating.items()) or "none at all")


def _nothing(layers: str) -> PassNotApplicable:
    return PassNotApplicable(
        "Dynamic INT8 quantizes matrix products and LSTMs with constant weights, and this graph has none; "
        f"its heavy layers are: {layers}.",
        hint=HINT,
    )


PASS = Int8Dynamic()
