"""Static INT8 quantization of a PyTorch program, in the operators that PyTorch's compiler turns to "
"integers."""

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
from core.graphs.torch.modules import open_module
from core.params import setting
from core.passes.checks import require_finite, require_signal
from core.passes.library_errors import library
from core.passes.quantization.calibration import MOST, CalibrationFeeds
from core.passes.quantization.int8_findings import int8_findings
from core.passes.torch_calls import outputs
from core.passes.training.fake_quantization import FakeQuantized
from core.protocols import Idea, LocalArtifact, Pass, PassContext
from core.sandbox.compilers import compiler

HINT = "Try static INT8 on ONNX Runtime or OpenVINO, or BF16."


@dataclass(frozen=True)
class Int8StaticTorchParams:
    """How to find ranges."""

    samples: int = setting(
        64, "Calibration samples", help="More find better ranges and take longer.", low=1, high=MOST
    )


class Int8StaticTorch(Pass):
    """Weights per output channel, activations per tensor, with the ranges of least squared error.

    The graph holds the pairs of operators (`quantize_per_tensor`, `dequantize_per_channel`) of PyTorch 2
    Export quantization (PT2E), which Inductor replaces by oneDNN's integer kernels. Eager computes in float.
    """

    id = "int8_static_torch"
    name = "INT8 static, PyTorch"
    summary = (
        "Stores weights and computes layers in 8 bits within PyTorch, with ranges from calibration data; "
        "faster only where AOTInductor compiles it."
    )
    learn = Learn(
        does="Weights and activations become 8-bit integers in the graph of torch.export, in the form of "
        "PyTorch 2 Export quantization (PT2E). AOTInductor compiles it to integer kernels.",
        costs="Usually some tenths of a point. It needs a few hundred samples of real data; uncompiled it is "
        "slower than FP32, as PyTorch then computes in float what is stored in integers.",
        choose="When the model stays with PyTorch. ONNX Runtime or OpenVINO are usually faster where you can "
        "leave it.",
        expect="2 to 5 times faster than FP32 with VNNI once compiled, a quarter of the size, 0 to 1 point "
        "lost",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    on_source = True
    Params = Int8StaticTorchParams
    produces: ClassVar[dict[str, str]] = {"pt2": "pt2"}
    calibrates = True
    fits = True
    libraries = ("torch",)
    build_s = (6.0, 6.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself, compiled, for images that come from PyTorch."""
        if model.sees_images and model.format != "onnx" and compiler():
            yield Idea(2, 240, "aotinductor", (Step(self.id),), remainder=True)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8StaticTorchParams
    ) -> LocalArtifact:
        """Fold batch norms, find ranges, and write integers.

        Raises:
            PassNotApplicable: There is no convolution and no linear layer, or they are in 8 bits already.
            PassFailed: PyTorch broke on it, or nothing is left of the signal.
        """
        feeds = CalibrationFeeds(context, params.samples)
        with library("Static INT8", context.folder, HINT):
            network = FakeQuantized.opened(artifact, context)
            network.round_to([network.tensors(feed, context) for feed in feeds])
            built = network.save(context, dict(artifact.options), {"samples": feeds.count})
            expected, found = (
                outputs(open_module(each, context.model), context, context.model.fixed_batch or 1)
                for each in (artifact, built)
            )
            require_finite(found, expected, HINT)
            require_signal(found, expected, HINT)
        return built

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8StaticTorchParams) -> None:
        """Check that layers are quantized.

        Raises:
            PassFailed: None is.
        """
        if not after.details["quantized"]:
            raise PassFailed("Not one layer was quantized.", hint=HINT)


PASS = Int8StaticTorch()
