"""Static INT8 quantization by ONNX Runtime, as an ONNX file with QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Finding
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed, PassNotApplicable
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import onnx_outputs, require_finite, require_quantized
from core.passes.library_errors import library
from core.passes.quantization.calibration import calibration_feeds, keep_float, kept
from core.passes.quantization.coverage import onnx_counts
from core.passes.quantization.int8_findings import int8_findings
from core.passes.quantization.onnx_preprocessing import FLOAT, prepared
from core.protocols import Feed, Idea, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

HINT = "Try NNCF's INT8, which runs on OpenVINO, or dynamic INT8."
HALF = (10, 16)
"""ONNX's numbers of float16 and bfloat16."""

QUANTIZABLE = ("Conv", "ConvTranspose", "MatMul", "Gemm")


@dataclass(frozen=True)
class Int8StaticOrtParams:
    """What to trade for what."""

    per_channel: bool = setting(
        True,
        "Scale per channel",
        help="One scale per output channel of a weight: more accurate, as fast.",
    )
    calibration: str = setting(
        "minmax",
        "Calibration",
        help="How ranges are found: all values (minmax), least loss of information (entropy), no outliers.",
        choices=("minmax", "entropy", "percentile"),
    )
    samples: int = setting(
        64, "Calibration samples", help="More find better ranges and take longer.", low=1, high=1000
    )
    symmetric: bool = setting(
        False, "Symmetric activations", help="Zero in the middle of the range: less accurate after ReLU."
    )
    operators: str = setting(
        "auto",
        "What to quantize",
        help="All: also additions and pools between layers. Heavy: only convolutions and products; auto "
        "takes it where the graph has attention, whose sums and norms lose most accuracy.",
        choices=("auto", "all", "heavy"),
    )
    keep_float: str = keep_float()
    reduce_range: bool = setting(
        False,
        "Reduced range",
        help="Avoids overflows on CPUs without VNNI; less accurate.",
    )


class Int8StaticOrt(Pass):
    """8-bit unsigned activations and 8-bit signed weights: the only pair with fast kernels on x86."""

    id = "int8_static_ort"
    name = "INT8 static"
    summary = (
        "Stores weights and computes layers in 8 bits; ONNX Runtime finds the ranges from calibration data."
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    version = 2
    Params = Int8StaticOrtParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    calibrates = True
    fits = True
    libraries = ("onnxruntime", "onnx")
    build_s = (3.5, 3.0)
    weights_held = 6.0

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself on both runtimes, and other ways to find ranges."""
        ends = Step(self.id, {"keep_float": "first_last"})
        yield Idea(1, 110 if model.sees_images else 130, "onnxruntime", (Step(self.id),))
        yield Idea(2, 210, "openvino", (Step(self.id),), remainder=True)
        yield Idea(2, 230, "onnxruntime", (Step(self.id, {"calibration": "entropy"}),))
        yield Idea(3, 300, "onnxruntime", (Step(self.id, {"calibration": "percentile"}),))
        yield Idea(3, 310, "onnxruntime", (ends,))
        yield Idea(3, 320, "openvino", (ends,), remainder=True)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8StaticOrtParams
    ) -> LocalArtifact:
        """Prepare the graph, calibrate, and insert quantizers.

        Raises:
            PassNotApplicable: Nothing in the graph can be quantized.
            PassFailed: ONNX Runtime broke on it, or the result does not run.
        """
        path = context.folder / "model.onnx"
        feeds = calibration_feeds(context, params.samples)
        with library("ONNX Runtime's quantizer", context.folder, HINT) as work:
            raw = onnx_files.load(artifact.path, weights=False)
            _require_full_precision(raw)
            _require_unquantized(raw)
            model = prepared(artifact.path, context, work)
            _require_something(model)
            ready = onnx_files.save(model, work / "ready.onnx")[0]
            quantizable = [node.name for node in model.graph.node if node.op_type in QUANTIZABLE]
            auto = params.operators == "auto"
            if auto:
                params = replace(params, operators="heavy" if _has_attention(model) else "all")
            excluded = kept(quantizable, params.keep_float)
            try:
                _quantize(ready, work / "quantized.onnx", feeds, params, excluded)
            except Exception as error:
                if not auto or params.operators == "heavy":
                    raise _in_words(error) from error
                params = replace(params, operators="heavy")  # what stands between them is often the reason
                _quantize_in_words(ready, work / "quantized.onnx", feeds, params, excluded)
            files = onnx_files.save(onnx_files.load(work / "quantized.onnx"), path)
            require_finite(onnx_outputs(path, context), onnx_outputs(artifact.path, context), HINT)
        counts = onnx_counts(onnx_files.load(path, weights=False))
        return LocalArtifact("onnx", path, files, dict(artifact.options), counts | {"samples": len(feeds)})

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8StaticOrtParams) -> None:
        """Check that compute nodes are quantized with the weights in 8 bits, and names unchanged.

        Raises:
            PassFailed: They are not.
        """
        new = require_quantized(before, after, HINT)
        if not any(tensor.data_type == tensor.INT8 for tensor in new.graph.initializer):
            raise PassFailed("No weight is stored in 8 bits.", hint=HINT)


class _Reader:
    """Feeds for the quantizer, which asks for ranges of rows: it holds the tensors of one row at a time."""

    def __init__(self, feeds: list[Feed], names: set[str]) -> None:
        self._feeds = [{name: array for name, array in feed.items() if name in names} for feed in feeds]
        self._next, self._end = 0, len(feeds)

    def __len__(self) -> int:
        return len(self._feeds)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._next, self._end = start_index, end_index

    def get_next(self) -> Feed | None:
        if self._next >= self._end:
            return None
        self._next += 1
        return self._feeds[self._next - 1]


def _quantize(
    source: Path, path: Path, feeds: list[Feed], params: Int8StaticOrtParams, excluded: list[str]
) -> None:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    methods = {
        "minmax": CalibrationMethod.MinMax,
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
    }
    names = set(onnx_files.input_names(onnx_files.load(source, weights=False)))
    quantize_static(
        str(source),
        str(path),
        _Reader(feeds, names),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=params.per_channel,
        reduce_range=params.reduce_range,
        op_types_to_quantize=list(QUANTIZABLE) if params.operators == "heavy" else None,
        nodes_to_exclude=excluded,
        use_external_data_format=source.stat().st_size > onnx_files.SINGLE_FILE_LIMIT // 2,
        calibrate_method=methods[params.calibration],
        extra_options=_options(params),
    )


def _in_words(error: Exception) -> Exception:
    """Return the error in words of ours where it is a known one."""
    if "zero-size array" not in str(error):
        return error
    return PassFailed(
        "A tensor of this graph is empty on the calibration data, so its range cannot be found.",
        hint="Give data on which something is found, or NNCF's INT8.",
    )


def _quantize_in_words(
    source: Path, path: Path, feeds: list[Feed], params: Int8StaticOrtParams, excluded: list[str]
) -> None:
    try:
        _quantize(source, path, feeds, params, excluded)
    except Exception as error:
        raise _in_words(error) from error


def _options(params: Int8StaticOrtParams) -> dict[str, Any]:
    return {
        "ActivationSymmetric": params.symmetric,
        "WeightSymmetric": True,
        "CalibStridedMinMax": 1,
        "DefaultTensorType": FLOAT,
    }


def _has_attention(model: ModelProto) -> bool:
    """Whether a softmax goes on into products: one that ends a classifier does not."""
    counts, ends = onnx_files.count_ops(model), set(onnx_files.output_names(model))
    weighs = any(node.op_type == "Softmax" and node.output[0] not in ends for node in onnx_files.nodes(model))
    return (weighs and counts["MatMul"] > 0) or counts["LayerNormalization"] > 0


def _require_something(model: ModelProto) -> None:
    counts = onnx_files.count_ops(model)
    if not any(counts[kind] for kind in QUANTIZABLE):
        common = ", ".join(f"{count} {kind}" for kind, count in counts.most_common(4))
        raise PassNotApplicable(
            f"The graph has no convolution and no matrix product to quantize, only {common}.",
            hint="Try FP16 or graph optimization.",
        )


def _require_unquantized(model: ModelProto) -> None:
    """The quantizer knows no graph that has quantizers in it."""
    counts = onnx_counts(model)
    if counts["quantized"]:
        listed = ", ".join(f"{count} {kind}" for kind, count in counts["quantized_ops"].items())
        raise PassNotApplicable(
            f"Layers are in 8 bits already ({listed}).", hint="Give the float model it was made from."
        )


def _require_full_precision(model: ModelProto) -> None:
    """The quantizer leaves weights of 16 bits as they are, and quantizes around them."""
    half = {tensor.name for tensor in model.graph.initializer if tensor.data_type in HALF}
    quantizable = [node for node in model.graph.node if node.op_type in QUANTIZABLE]
    if half and all(not half.isdisjoint(node.input) for node in quantizable):
        raise PassNotApplicable(
            "The weights are stored in 16 bits, and ONNX Runtime quantizes weights of 32 bits only.",
            hint="Export the model in float32, or try NNCF's INT8.",
        )


PASS = Int8StaticOrt()
