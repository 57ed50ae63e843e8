"""Static INT8 quantization by NNCF, as an OpenVINO model."""

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
from core.errors import PassFailed
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import require_finite, require_signal
from core.passes.library_errors import library, size
from core.passes.openvino_files import outputs, read, reference, write
from core.passes.quantization.calibration import MOST, CalibrationFeeds, keep_float, kept
from core.passes.quantization.coverage import openvino_counts, require_float
from core.passes.quantization.int8_findings import int8_findings
from core.passes.quantization.nncf_quantize import heavy_layers, quantized
from core.passes.quantization.outliers import outliers
from core.passes.quantization.portability import portability, portability_check
from core.protocols import Idea, LocalArtifact, Pass, PassContext

FAINT = (
    "NNCF keeps no range below 0.00008, and this network's signals are smaller, as without training. "
    "ONNX Runtime's static INT8 and BF16 have no such bound."
)
HINT = "Try ONNX Runtime's static INT8, which OpenVINO runs too, or BF16."


@dataclass(frozen=True)
class Int8StaticNncfParams:
    """What to trade for what."""

    preset: str = setting(
        "performance",
        "Preset",
        help="Mixed: asymmetric ranges, more accurate for activations other than ReLU, a bit slower.",
        choices=("performance", "mixed"),
    )
    fast_bias_correction: bool = setting(
        True,
        "Fast bias correction",
        help="Off corrects layer by layer: takes longer, can be a point more accurate.",
        words={False: "full bias correction"},
    )
    samples: int = setting(
        128, "Calibration samples", help="More find better ranges and take longer.", low=1, high=MOST
    )
    transformer: str = setting(
        "auto",
        "Transformer",
        help="Treats attention with care, and smooths activations where that is closer to the original; "
        "auto looks for attention in the graph.",
        choices=("auto", "yes", "no"),
    )
    keep_float: str = keep_float()
    calibration: str = setting(
        "auto",
        "Calibration",
        help="How ranges are found: as NNCF thinks best for the layer (auto), all values (minmax), least "
        "loss of information (entropy), least squared error (mse), or no outliers (percentile).",
        choices=("auto", "minmax", "entropy", "mse", "percentile"),
    )
    per_tensor: bool = setting(
        False,
        "One range per tensor",
        help="For depthwise convolutions too: OpenVINO computes them in 8 bits only so; less accurate.",
    )
    reduce_range: bool = setting(
        False,
        "Reduced range",
        help="7-bit weights: no saturation on processors without VNNI, some accuracy everywhere.",
    )
    portability: bool = portability_check()


class Int8StaticNncf(Pass):
    """NNCF's post-training quantization on an OpenVINO graph read from ONNX."""

    id = "int8_static_nncf"
    name = "INT8 static, NNCF"
    summary = "Stores weights and computes layers in 8 bits, with ranges and biases found from data by NNCF."
    learn = Learn(
        does="Weights and activations become 8-bit integers. NNCF finds the ranges from calibration "
        "samples, chooses what stays in float by the kind of layer, and corrects biases for the mean "
        "error of rounding.",
        costs="Usually some tenths of a point. It needs a few hundred samples of real data and some "
        "seconds to build; the file runs on OpenVINO.",
        choose="For convolutional networks and transformers on OpenVINO. Combine it with BF16 for what "
        "stays in float, where the processor has BF16 instructions.",
        expect="1.5 to 4 times faster than FP32 on the same runtime with VNNI, a quarter of the size, 0 to "
        "1 point lost",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    version = 6
    Params = Int8StaticNncfParams
    produces: ClassVar[dict[str, str]] = {"onnx": "openvino", "openvino": "openvino"}
    calibrates = True
    fits = True
    libraries = ("nncf", "openvino")
    build_s = (4.5, 2.5)
    weights_held = 3.0

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself, with full bias correction, and with mixed ranges."""
        images = model.sees_images
        yield Idea(1, 100 if images else 110, "openvino", (Step(self.id),), remainder=True)
        # Corrects layer by layer: of a heavy network minutes, in which the cheaper ones are there.
        yield Idea(1 if images else 2, 120 if images else 140, "openvino", (self.finest(),), remainder=True)
        if images:
            yield Idea(2, 130, "openvino", (Step(self.id),))
        yield Idea(2, 220, "openvino", (Step(self.id, {"preset": "mixed"}),), remainder=True)

    def finest(self) -> Step:
        """Return itself with full bias correction: as fast, and up to a point more accurate."""
        return Step(self.id, {"fast_bias_correction": False})

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8StaticNncfParams
    ) -> LocalArtifact:
        """Read, calibrate, quantize, save.

        Raises:
            PassNotApplicable: Nothing in the graph can be quantized.
            PassFailed: NNCF or OpenVINO broke on it, or the result does not run.
        """
        feeds = CalibrationFeeds(context, params.samples)
        with library("NNCF", context.folder, HINT):
            # A clone has no nodes beside the graph, which a branch leaves behind and NNCF stumbles over.
            model = read(artifact.path, context.model).clone()
            require_float(openvino_counts(model))
            made = quantized(
                model,
                feeds,
                attention={"yes": True, "no": False}.get(params.transformer),
                preset=params.preset,
                fast_bias_correction=params.fast_bias_correction,
                ignored=kept(heavy_layers(model), params.keep_float),
                ranges=params.calibration,
                reduce_range=params.reduce_range,
                per_tensor=params.per_tensor,
            )
            files = write(made, context.folder, compress=False)
            found, expected = outputs(files[0], context), reference(artifact.path, context)
            require_finite(found, expected, HINT)
            require_signal(found, expected, FAINT)
            told = portability(made, context, params.portability)
            if artifact.format == "onnx":
                told |= outliers(onnx_files.load(artifact.path))
        counts = openvino_counts(made) | {"samples": feeds.count} | told
        return LocalArtifact("openvino", files[0], files, dict(artifact.options), counts)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8StaticNncfParams) -> None:
        """Check that layers are quantized and the file has shrunk if it holds more than a few weights.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["quantized"]:
            raise PassFailed("Not one layer was quantized.", hint=HINT)
        if not after.path.with_suffix(".bin").exists():
            raise PassFailed("The weights file is missing.", hint=HINT)
        if size(before) > 1_000_000 and size(after) > size(before):
            raise PassFailed("The quantized model is larger than the one it was made of.", hint=HINT)


PASS = Int8StaticNncf()
