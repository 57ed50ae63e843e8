"""Static INT8 quantization by ONNX Runtime, as an ONNX file with QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn, Picture
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
from core.passes.openvino_files import read
from core.passes.quantization.calibration import MOST, CalibrationFeeds, keep_float, kept
from core.passes.quantization.coverage import onnx_counts
from core.passes.quantization.int8_findings import int8_findings
from core.passes.quantization.onnx_preprocessing import FLOAT, prepared
from core.passes.quantization.outliers import outliers
from core.passes.quantization.portability import portability, portability_check
from core.passes.quantization.ranges.onnx_ranges import ranges_file
from core.protocols import Idea, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

HINT = "Try NNCF's INT8, which runs on OpenVINO, or dynamic INT8."
SIGNED = "int8"
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
        help="How ranges are found: all values (minmax), least loss of information (entropy), least squared "
        "error (mse), no outliers (percentile). All but the first keep a histogram of each tensor: slower.",
        choices=("minmax", "entropy", "mse", "percentile"),
    )
    samples: int = setting(
        64, "Calibration samples", help="More find better ranges and take longer.", low=1, high=MOST
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
        help="7-bit weights: no saturation on processors without VNNI, some accuracy everywhere.",
    )
    portability: bool = portability_check()
    activations: str = setting(
        "uint8",
        "Activations",
        help="Unsigned is what processors multiply fast; signed, with 0 in the middle of every range, is "
        "what TensorRT takes.",
        choices=("uint8", "int8"),
        words={"int8": "signed"},
    )


class Int8StaticOrt(Pass):
    """8-bit unsigned activations and 8-bit signed weights: the only pair with fast kernels on x86."""

    id = "int8_static_ort"
    name = "INT8 static"
    summary = (
        "Stores weights and computes layers in 8 bits; ONNX Runtime finds the ranges from calibration data."
    )
    learn = Learn(
        does="Weights and activations become 8-bit integers. The range of each activation is found "
        "beforehand, by running calibration samples, and is fixed in the file as pairs of "
        "QuantizeLinear and DequantizeLinear.",
        costs="Usually some tenths of a point; more where a few values are far larger than the rest, or "
        "with depthwise convolutions. It needs a few hundred samples of real data, and seconds to "
        "build.",
        choose="For convolutional networks on processors with INT8 dot products (VNNI, or dot products on "
        "ARM). Try other calibration methods or leave layers out where it loses too much; take "
        "weights alone in 8 bits without data.",
        expect="1.5 to 4 times faster than FP32 on the same runtime with VNNI, a quarter of the size, 0 to "
        "1 point lost",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    version = 3
    Params = Int8StaticOrtParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    calibrates = True
    fits = True
    shares = True
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
        feeds = CalibrationFeeds(context, params.samples)
        with library("ONNX Runtime's quantizer", context.folder, HINT) as work:
            raw = onnx_files.load(artifact.path, weights=False)
            _require_full_precision(raw)
            _require_unquantized(raw)
            model = prepared(artifact.path, context, work)
            _require_something(model)
            far = outliers(model)
            ready = onnx_files.save(model, work / "ready.onnx")[0]
            quantizable = [node.name for node in model.graph.node if node.op_type in QUANTIZABLE]
            auto = params.operators == "auto"
            if auto:
                params = replace(params, operators="heavy" if _has_attention(model) else "all")
            excluded = kept(quantizable, params.keep_float)

            def quantize(chosen: Int8StaticOrtParams) -> None:
                shared, count = context.statistics or work, str(params.samples)
                how = (count, chosen.calibration, _operators(chosen))
                ranges = ranges_file(ready, feeds, *how, shared)
                _quantize(ready, work / "quantized.onnx", ranges, chosen, excluded)

            _tried(quantize, params, auto)
            files = onnx_files.save(onnx_files.load(work / "quantized.onnx"), path)
            require_finite(onnx_outputs(path, context), onnx_outputs(artifact.path, context), HINT)
            told = _portability(path, context) if params.portability else {}
        counts = onnx_counts(onnx_files.load(path, weights=False))
        return LocalArtifact(
            "onnx", path, files, dict(artifact.options), counts | {"samples": feeds.count} | told | far
        )

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8StaticOrtParams) -> None:
        """Check that compute nodes are quantized with the weights in 8 bits, and names unchanged.

        Raises:
            PassFailed: They are not.
        """
        new = require_quantized(before, after, HINT)
        if not any(tensor.data_type == tensor.INT8 for tensor in new.graph.initializer):
            raise PassFailed("No weight is stored in 8 bits.", hint=HINT)


def _quantize(
    source: Path, path: Path, ranges: Path, params: Int8StaticOrtParams, excluded: list[str]
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(source),
        str(path),
        calibration_cache_path=ranges,
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8 if params.activations == SIGNED else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=params.per_channel,
        reduce_range=params.reduce_range,
        op_types_to_quantize=_operators(params),
        nodes_to_exclude=excluded,
        use_external_data_format=source.stat().st_size > onnx_files.SINGLE_FILE_LIMIT // 2,
        extra_options=_options(params),
    )


def _operators(params: Int8StaticOrtParams) -> list[str]:
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    return list(QUANTIZABLE) if params.operators == "heavy" else sorted({*QDQRegistry, *QLinearOpsRegistry})


def _tried(quantize: Callable[[Int8StaticOrtParams], None], params: Int8StaticOrtParams, auto: bool) -> None:
    """Quantize with `params`, or else only what is heavy: what stands between is often the reason."""
    try:
        quantize(params)
    except Exception:
        if not auto or params.operators == "heavy":
            raise
        quantize(replace(params, operators="heavy"))


def _portability(path: Path, context: PassContext) -> dict[str, Any]:
    """Return the verdict, by OpenVINO; nothing where it does not read the file."""
    with suppress(RuntimeError):
        return portability(read(path, context.model), context)
    return {}


def _options(params: Int8StaticOrtParams) -> dict[str, Any]:
    signed = params.activations == SIGNED
    return {
        "ActivationSymmetric": params.symmetric or signed,
        "WeightSymmetric": True,
        "DefaultTensorType": FLOAT,
        # TensorRT restores 8 bits only, and a quantized bias has 32.
        "QuantizeBias": not signed,
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
            instead="fp16",
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
            instead="int8_static_nncf",
        )


PASS = Int8StaticOrt()
