"""Export to Core ML: a package that Apple's devices run on CPU, GPU and Neural Engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.technique import Kind, Precision
from core.errors import PassFailed
from core.graphs.torch.modules import open_module, quiet_torch
from core.params import setting
from core.passes.conversion.coreml_package import HINT, features, write_package
from core.passes.conversion.fixed_sizes import fixed_sizes
from core.passes.library_errors import library
from core.passes.torch_calls import arguments
from core.protocols import LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import nn

SMALLEST = 2048
"""Weights of a tensor below which compressing it saves nothing: it stays in float."""
BITS = {"palette_8": 8, "palette_6": 6, "palette_4": 4}


@dataclass(frozen=True)
class ExportCoremlParams:
    """Precision of the package."""

    fp16: bool = setting(
        True,
        "FP16",
        help="Computes and stores in FP16, which the Neural Engine needs; off keeps FP32, on CPU and GPU.",
        words={False: "FP32"},
    )
    weights: str = setting(
        "float",
        "Weights",
        help="INT8 with a scale per channel, or one of 256, 64 or 16 shared values each (palettes).",
        choices=("float", "int8", "palette_8", "palette_6", "palette_4"),
        words={"int8": "INT8 weights"},
    )


class ExportCoreml(Pass):
    """An ML program from the exported program, with the weights compressed by coremltools where asked for.

    Source: coremltools' guide: Converting from PyTorch, and Optimizing Models.
    """

    id = "export_coreml"
    name = "Core ML"
    summary = "Converts to a Core ML package for iOS and macOS, in FP16 or with smaller weights."
    learn = Learn(
        does="The network becomes a Core ML package (.mlpackage), which iOS and macOS run on the CPU, the "
        "GPU or the Neural Engine. Weights can be 8-bit integers or palettes of a few shared values.",
        costs="FP16 little accuracy, INT8 weights and 8-bit palettes little, palettes of 6 and 4 bits more. "
        "It can be run and measured on a Mac, an iPhone or an iPad only.",
        choose="For apps on Apple's devices: nothing else reaches the Neural Engine.",
        expect="Half the size in FP16, a quarter with INT8 weights, an eighth with palettes of 4 bits",
    )
    kind = Kind.CONVERSION
    precision = Precision.FP16
    Params = ExportCoremlParams
    produces: ClassVar[dict[str, str]] = {"pt2": "mlpackage"}
    converts = True
    libraries = ("torch", "coremltools")
    build_s = (12.0, 1.0)

    def run(self, context: PassContext, artifact: LocalArtifact, params: ExportCoremlParams) -> LocalArtifact:
        """Convert for one batch size, compress the weights, write the package.

        Raises:
            PassFailed: coremltools does not know an operator.
        """
        batch = context.model.fixed_batch or 1
        with library("coremltools", context.folder, HINT):
            module = open_module(artifact, context.model)
            converted = _converted(module, context, batch, params.fp16)
            if params.weights != "float":
                converted = _compressed(converted, params.weights)
            files = write_package(converted, context.model, context.folder / "model.mlpackage")
        details = features(files[0]) | {"batch": batch} | fixed_sizes(context.model)
        return LocalArtifact("mlpackage", files[0], files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportCoremlParams) -> None:
        """Check that the package has the weights that were asked for; it cannot be run here.

        Raises:
            PassFailed: It has not.
        """
        if params.weights != "float" and not after.details["compressed"]:
            raise PassFailed(
                f"No tensor has {SMALLEST} weights or more, so none was compressed.",
                hint="Export it in FP16.",
            )


def _converted(module: nn.Module, context: PassContext, batch: int, fp16: bool) -> Any:
    import coremltools as ct
    import torch

    with quiet_torch():
        program = torch.export.export(module, arguments(context, batch)).run_decompositions({})
        return ct.convert(
            program,
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT16 if fp16 else ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS17,
            skip_model_load=True,
        )


def _compressed(converted: Any, weights: str) -> Any:
    from coremltools.optimize import coreml as smaller

    if weights == "int8":
        config = smaller.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=SMALLEST)
        return smaller.linear_quantize_weights(converted, smaller.OptimizationConfig(global_config=config))
    config = smaller.OpPalettizerConfig(mode="kmeans", nbits=BITS[weights], weight_threshold=SMALLEST)
    return smaller.palettize_weights(converted, smaller.OptimizationConfig(global_config=config))


PASS = ExportCoreml()
