"""Dynamic INT8 of a LiteRT file, by ai-edge-quantizer: weights in 8 bits, activations scaled at run time."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.learn import Learn, Picture
from core.errors import PassFailed
from core.params import setting
from core.passes.library_errors import library
from core.passes.quantization.calibration import keep_float, kept
from core.passes.quantization.litert_quantize import (
    EVERYWHERE,
    LiteRtInt8,
    Recipe,
    compared,
    left_out,
    prepared,
    quantize,
    require_smaller,
    require_weights,
)
from core.protocols import LocalArtifact, PassContext

HINT = "Try static INT8, which calibrates on data, or FP16 weights."


@dataclass(frozen=True)
class Int8DynamicLiteRtParams:
    """What to trade for what."""

    compute: str = setting(
        "integer",
        "Arithmetic",
        help="Integer: activations are scaled to 8 bits at each call and multiplied as integers. Float: only "
        "the file is smaller; closer to the original.",
        choices=("integer", "float"),
        words={"float": "weights only"},
    )
    keep_float: str = keep_float()


class Int8DynamicLiteRt(LiteRtInt8):
    """8-bit signed weights with a scale for each channel, in convolutions, products and tables."""

    id = "int8_dynamic_litert"
    name = "INT8 dynamic, AI Edge"
    summary = (
        "Stores the weights of a LiteRT file in 8 bits and scales activations at run time; needs no data."
    )
    learn = Learn(
        does="Weights of convolutions, matrix products and tables become 8-bit integers with a scale for "
        "each channel. Activations are scaled to 8 bits at each call, by the values that are there.",
        costs="Little accuracy, and some time at every call to find the scales: networks with depthwise "
        "convolutions become slower.",
        choose="For LiteRT without calibration data: for transformers, LSTMs and wide convolutions.",
        expect="A quarter of the size; with VNNI a ResNet-18 ran 3.4 times faster than in FP32, "
        "a MobileNetV2 3 times slower",
        picture=Picture.LEVELS,
    )
    Params = Int8DynamicLiteRtParams
    order = 110
    build_s = (2.0, 0.2)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8DynamicLiteRtParams
    ) -> LocalArtifact:
        """Quantize the weights, save, compare.

        Raises:
            PassNotApplicable: No layer multiplies in float.
            PassFailed: The library or LiteRT broke on it.
        """
        with library("ai-edge-quantizer", context.folder, HINT) as work:
            layers = [each.output for each in require_weights(artifact.path)]
            recipe = [*_recipe(params.compute == "float"), *left_out(kept(layers, params.keep_float))]
            path = quantize(context, prepared(artifact.path, work), recipe)
            details = compared(context, artifact, path, HINT)
        return LocalArtifact("tflite", path, (path,), dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8DynamicLiteRtParams) -> None:
        """Check that weights are in 8 bits and the file is smaller.

        Raises:
            PassFailed: They are not.
        """
        if not after.details.get("weights_in_int8"):
            raise PassFailed("Not one layer was quantized.", hint=HINT)
        require_smaller(before, after, 0.8, HINT)


def _recipe(widened: bool) -> Recipe:
    """Return the library's recipe; `widened` puts weights back into float before they are used."""
    return [
        {
            "regex": EVERYWHERE,
            "operation": "*",
            "algorithm_key": "min_max_uniform_quantize",
            "op_config": {
                "weight_tensor_config": {"num_bits": 8, "symmetric": True, "granularity": "CHANNELWISE"},
                "compute_precision": "FLOAT" if widened else "INTEGER",
                "explicit_dequantize": widened,
            },
        }
    ]


PASS = Int8DynamicLiteRt()
