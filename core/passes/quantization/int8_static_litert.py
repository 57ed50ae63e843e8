"""Static INT8 of a LiteRT file, by ai-edge-quantizer: ranges of activations found from data."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.learn import Learn, Picture
from core.errors import PassFailed
from core.params import setting
from core.passes.library_errors import library
from core.passes.quantization.calibration import MOST, CalibrationFeeds, keep_float, kept
from core.passes.quantization.litert_quantize import (
    EVERYWHERE,
    LiteRtInt8,
    Recipe,
    compared,
    float_ends,
    found_ranges,
    left_out,
    prepared,
    quantize,
    require_smaller,
    require_weights,
)
from core.protocols import LocalArtifact, PassContext

HINT = "Try dynamic INT8, which needs no ranges, or FP16 weights."


@dataclass(frozen=True)
class Int8StaticLiteRtParams:
    """What to trade for what."""

    samples: int = setting(
        128, "Calibration samples", help="More find better ranges and take longer.", low=1, high=MOST
    )
    ranges: str = setting(
        "widest",
        "Ranges",
        help="The widest range seen, or a moving average over the samples, in which "
        "the first ones weigh most and outliers little.",
        choices=("widest", "average"),
        words={"average": "averaged ranges"},
    )
    keep_float: str = keep_float()
    integer_ends: bool = setting(
        False,
        "Inputs and outputs in 8 bits",
        help="For microcontrollers and accelerators without floats. The runtime here and the kit scale them "
        "by themselves.",
        words={True: "8-bit inputs and outputs"},
    )


class Int8StaticLiteRt(LiteRtInt8):
    """Weights with a scale for each channel, activations in 8 bits; unknown operators stay in float."""

    id = "int8_static_litert"
    name = "INT8 static, AI Edge"
    summary = "Stores weights and computes layers of a LiteRT file in 8 bits, with ranges found from data."
    learn = Learn(
        does="Weights and activations of a LiteRT file become 8-bit integers. The ranges of the activations "
        "come from calibration samples.",
        costs="Usually some tenths of a point, more for networks with depthwise convolutions. It needs a "
        "few hundred samples of real data.",
        choose="For convolutional networks on phones, and for microcontrollers and accelerators that compute "
        "in integers alone.",
        expect="A quarter of the size; with VNNI a ResNet-18 ran 3.9, a MobileNetV2 2.2 times "
        "faster than in FP32",
        picture=Picture.LEVELS,
    )
    Params = Int8StaticLiteRtParams
    calibrates = True
    fits = True
    order = 100
    build_s = (4.0, 3.0)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8StaticLiteRtParams
    ) -> LocalArtifact:
        """Calibrate, quantize, save, compare.

        Raises:
            PassNotApplicable: No layer multiplies in float.
            PassFailed: The library or LiteRT broke on it.
        """
        feeds = CalibrationFeeds(context, params.samples)
        with library("ai-edge-quantizer", context.folder, HINT) as work:
            layers = [each.output for each in require_weights(artifact.path)]
            ends = [] if params.integer_ends else float_ends()
            recipe = [*RECIPE, *ends, *left_out(kept(layers, params.keep_float))]
            source = prepared(artifact.path, work)
            widest = params.ranges == "widest"
            ranges = found_ranges(context, source, recipe, feeds, artifact.options, widest)
            path = quantize(context, source, recipe, ranges)
            details = compared(context, artifact, path, HINT)
        told = details | {"samples": feeds.count}
        return LocalArtifact("tflite", path, (path,), dict(artifact.options), told)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8StaticLiteRtParams) -> None:
        """Check that layers are quantized and the file is smaller.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["quantized"]:
            raise PassFailed("Not one layer was quantized.", hint=HINT)
        require_smaller(before, after, 0.8, HINT)


RECIPE: Recipe = [
    {
        "regex": EVERYWHERE,
        "operation": "*",
        "algorithm_key": "min_max_uniform_quantize",
        "op_config": {
            "activation_tensor_config": {"num_bits": 8, "symmetric": False, "granularity": "TENSORWISE"},
            "weight_tensor_config": {"num_bits": 8, "symmetric": True, "granularity": "CHANNELWISE"},
            "compute_precision": "INTEGER",
            "explicit_dequantize": False,
        },
    }
]

PASS = Int8StaticLiteRt()
