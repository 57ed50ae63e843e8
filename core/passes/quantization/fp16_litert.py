"""FP16 weights in a LiteRT file, by ai-edge-quantizer."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import NoParams, Precision
from core.errors import PassFailed, PassNotApplicable
from core.graphs.tflite.layers import read, weights_of
from core.passes.checks import differ
from core.passes.library_errors import library
from core.passes.quantization.litert_quantize import (
    EVERYWHERE,
    LiteRtQuantizer,
    Recipe,
    compared,
    prepared,
    quantize,
    require_smaller,
    require_weights,
)
from core.protocols import Idea, LocalArtifact, PassContext

TOLERANCE = 3e-2
HINT = "Try dynamic INT8, or leave the file in FP32."
RECIPE: Recipe = [
    {
        "regex": EVERYWHERE,
        "operation": "*",
        "algorithm_key": "float_casting",
        "op_config": {
            "weight_tensor_config": {"num_bits": 16, "dtype": "FLOAT"},
            "compute_precision": "FLOAT",
            "explicit_dequantize": True,
        },
    }
]


class Fp16LiteRt(LiteRtQuantizer):
    """Weights in half precision behind operators that widen them, once, when the file is loaded."""

    id = "fp16_litert"
    name = "FP16 weights, AI Edge"
    summary = (
        "Stores the weights of a LiteRT file in FP16: half the size; on a CPU it computes in FP32 as before."
    )
    learn = Learn(
        does="The weights of a LiteRT file are stored in 16 bits and widened when it is loaded.",
        costs="Next to nothing in accuracy, and no time is gained on a CPU.",
        choose="For GPUs of phones, which compute in FP16 anyway, and where the download has to be small.",
        expect="Half the size; on CPUs the same speed",
        picture=Picture.FLOATS,
    )
    precision = Precision.FP16
    Params = NoParams
    build_s = (2.0, 0.2)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield the smaller file for uploads that are LiteRT already."""
        if model.format == "tflite":
            yield Idea(1, 150, "litert", (Step(self.id),))

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Cast the weights, save, compare.

        Raises:
            PassNotApplicable: The file holds no weights in FP32.
            PassFailed: The library or LiteRT broke on it.
        """
        with library("ai-edge-quantizer", context.folder, HINT) as work:
            require_weights(artifact.path)
            if not weights_of(read(artifact.path))["FLOAT32"]:
                raise PassNotApplicable("The file holds no weights in FP32.", hint="Leave it as it is.")
            path = quantize(context, prepared(artifact.path, work), RECIPE)
            details = compared(context, artifact, path, HINT)
        return LocalArtifact("tflite", path, (path,), dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that weights are in FP16, the outputs the same but for rounding, and the file smaller.

        Raises:
            PassFailed: They are not.
        """
        if not after.details.get("weights_in_float16"):
            raise PassFailed("No weight is stored in FP16.", hint=HINT)
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"With weights in FP16 {differ(after.details)}.", hint=HINT)
        require_smaller(before, after, 0.8, HINT)


PASS = Fp16LiteRt()
