"""Export to Core ML: a package that Apple's devices run on CPU, GPU and Neural Engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.technique import Kind, Precision
from core.errors import PassFailed
from core.graphs.torch.modules import open_module, quiet_torch
from core.params import setting
from core.passes.conversion.coreml_package import HINT, features, plain_files, write_package
from core.passes.conversion.fixed_sizes import fixed_sizes
from core.passes.library_errors import library
from core.passes.torch_calls import arguments
from core.protocols import LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})


@dataclass(frozen=True)
class ExportCoremlParams:
    """Precision of the package."""

    fp16: bool = setting(
        True,
        "FP16",
        help="Computes and stores in FP16, which the Neural Engine needs; off keeps FP32, on CPU and GPU.",
        words={True: "FP16", False: "FP32"},
        precision=True,
    )


class ExportCoreml(Pass):
    """An ML program of iOS 17 from the exported program, for one batch size.

    Source: coremltools' guide, Converting from PyTorch.
    """

    id = "export_coreml"
    name = "Core ML"
    summary = "Converts to a Core ML package for iOS and macOS, in FP16 or FP32."
    learn = Learn(
        does="The network becomes a Core ML package (.mlpackage), which iOS and macOS run on the CPU, the "
        "GPU or the Neural Engine.",
        costs="In FP16 little accuracy. The batch is fixed, and it can be run and measured on a Mac, an "
        "iPhone or an iPad only.",
        choose="For apps on Apple's devices: nothing else reaches the Neural Engine.",
        expect="Half the size in FP16",
    )
    kind = Kind.CONVERSION
    precision = Precision.FP16
    Params = ExportCoremlParams
    produces: ClassVar[dict[str, str]] = {"pt2": "mlpackage"}
    converts = True
    libraries = ("torch", "coremltools")
    build_s = (12.0, 1.0)

    def leaves(self, params: Mapping[str, Any]) -> Precision | None:
        """Return FP16 unless that is off."""
        return self.precision if params.get("fp16", True) else None

    def run(self, context: PassContext, artifact: LocalArtifact, params: ExportCoremlParams) -> LocalArtifact:
        """Convert for one batch size, and write the package.

        Raises:
            PassFailed: coremltools does not know an operator.
        """
        batch = context.model.fixed_batch or 1
        with library("coremltools", context.folder, HINT), plain_files():
            module = open_module(artifact, context.model)
            converted = _converted(module, context, batch, params.fp16)
            files = write_package(converted, context.model, context.folder / "model.mlpackage")
        details = features(files[0]) | {"batch": batch} | fixed_sizes(context.model)
        return LocalArtifact("mlpackage", files[0], files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportCoremlParams) -> None:
        """Check that the package holds a program; it cannot be run here.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["operators"]:
            raise PassFailed("The package holds no operator.", hint=HINT)


def _converted(module: nn.Module, context: PassContext, batch: int, fp16: bool) -> Any:
    import coremltools as ct
    import torch

    with quiet_torch():
        example = arguments(context, batch)
        program = torch.export.export(module, example)
        settings: dict[str, Any] = {}
        if _recurrent(program):
            source: Any = torch.jit.trace(program.module(), example, check_trace=False, strict=False).eval()
            settings["inputs"] = [_described(ct, each) for each in example]
        else:
            source = program.run_decompositions({})
        return ct.convert(
            source,
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT16 if fp16 else ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS17,
            skip_model_load=True,
            **settings,
        )


def _recurrent(program: ExportedProgram) -> bool:
    """Whether the program has an LSTM, GRU or RNN, which coremltools converts from traces only."""
    nodes = program.module().graph.nodes
    return any(getattr(node.target, "__name__", "").partition(".")[0] in RECURRENT for node in nodes)


def _described(ct: Any, example: Tensor) -> Any:
    whole = not example.is_floating_point()
    return ct.TensorType(shape=tuple(example.shape), dtype=np.int32 if whole else np.float32)


PASS = ExportCoreml()
