"""Smaller weights in a Core ML package: INT8 with scales, or palettes of shared values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from core.domain.learn import Learn, Picture
from core.domain.technique import Kind, Precision
from core.errors import PassFailed, PassNotApplicable
from core.params import setting
from core.passes.conversion.coreml_package import features, plain_files, write_package
from core.passes.library_errors import library, size
from core.protocols import LocalArtifact, Pass, PassContext

HINT = "Export it in FP16."
SMALLEST = 2048
"""Weights of a tensor below which compressing it saves nothing: it stays in float."""
BITS = {"palette_8": 8, "palette_6": 6, "palette_4": 4}
LARGE = 1_000_000


@dataclass(frozen=True)
class WeightsCoremlParams:
    """How weights are stored."""

    weights: str = setting(
        "int8",
        "Weights",
        help="INT8 with a scale per channel, or each one of 256, 64 or 16 shared values (palettes).",
        choices=("int8", *BITS),
        words={"int8": "INT8"} | {name: f"palette of {bits} bits" for name, bits in BITS.items()},
        precision=True,
    )


class WeightsCoreml(Pass):
    """The compressions of coremltools that need no data; weights are widened when a layer computes.

    Source: coremltools' guide, Optimizing Models: Linear Quantization and Palettization.
    """

    id = "weights_coreml"
    name = "Small weights, Core ML"
    summary = "Stores the weights of a Core ML package in 8 bits or less; needs no data."
    learn = Learn(
        does="Weights become 8-bit integers with a scale for each channel, or each becomes one of a few "
        "shared values (a palette) that k-means finds. Layers compute in FP16 as before.",
        costs="Little accuracy in 8 bits, more with palettes of 6 and 4 bits.",
        choose="When an app has to be small, or the model waits for memory on the device.",
        expect="A quarter of FP32's size with INT8, an eighth with palettes of 4 bits; rarely slower",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    Params = WeightsCoremlParams
    produces: ClassVar[dict[str, str]] = {"mlpackage": "mlpackage"}
    libraries = ("coremltools",)
    build_s = (6.0, 1.0)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: WeightsCoremlParams
    ) -> LocalArtifact:
        """Compress, and write the package anew.

        Raises:
            PassNotApplicable: No tensor is large enough.
            PassFailed: coremltools broke on it.
        """
        with library("coremltools", context.folder, HINT), plain_files():
            import coremltools as ct

            package = ct.models.MLModel(str(artifact.path.parent), skip_model_load=True)
            made = _compressed(package, params.weights)
            files = write_package(made, context.model, context.folder / "model.mlpackage")
            told = features(files[0])
        if not told["compressed"]:
            raise PassNotApplicable(f"No tensor has {SMALLEST:,} weights or more.", hint=HINT)
        return LocalArtifact("mlpackage", files[0], files, dict(artifact.options), artifact.details | told)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: WeightsCoremlParams) -> None:
        """Check that the package has shrunk if it holds more than a few weights.

        Raises:
            PassFailed: It has not.
        """
        if size(before) > LARGE and size(after) > 0.9 * size(before):
            raise PassFailed("The package is hardly smaller than before.", hint=HINT)


def _compressed(package: Any, weights: str) -> Any:
    from coremltools.optimize import coreml as smaller

    if weights == "int8":
        config = smaller.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=SMALLEST)
        return smaller.linear_quantize_weights(package, smaller.OptimizationConfig(global_config=config))
    config = smaller.OpPalettizerConfig(mode="kmeans", nbits=BITS[weights], weight_threshold=SMALLEST)
    return smaller.palettize_weights(package, smaller.OptimizationConfig(global_config=config))


PASS = WeightsCoreml()
