"""Convert ONNX to OpenVINO's own files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind
from core.errors import PassFailed
from core.params import setting
from core.passes.checks import batches, differ, differences
from core.passes.library_errors import library, size
from core.passes.openvino_files import outputs, read, reference, write
from core.passes.quantization.coverage import openvino_counts
from core.protocols import Idea, LocalArtifact, Pass, PassContext

EXACT, ROUNDED = 1e-3, 3e-2
HINT = "Run the ONNX file on ONNX Runtime instead."
LARGE = 1_000_000


@dataclass(frozen=True)
class ConvertOpenvinoParams:
    """How to store the weights."""

    compress_to_fp16: bool = setting(
        False,
        "Weights in FP16",
        help="Half the size; they are widened when the model is loaded, so no faster.",
        words={True: "FP16 weights"},
        precision=True,
    )


class ConvertOpenvino(Pass):
    """The graph as OpenVINO reads it, in FP32."""

    id = "convert_openvino"
    name = "OpenVINO IR"
    summary = "Converts to OpenVINO's own format, which loads faster and can hold its weights in FP16."
    learn = Learn(
        does="The ONNX graph is stored in OpenVINO's own format, as OpenVINO would read it at every load.",
        costs="Nothing in accuracy. Only OpenVINO reads it.",
        choose="When the model is served by OpenVINO: it loads faster, and can hold its weights in FP16.",
        expect="The same answers at the same speed, loaded faster",
    )
    kind = Kind.CONVERSION
    bridges = True
    Params = ConvertOpenvinoParams
    produces: ClassVar[dict[str, str]] = {"onnx": "openvino", "openvino": "openvino"}
    converts = True
    libraries = ("openvino",)
    build_s = (2.5, 0.5)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield the file of half the size."""
        yield Idea(3, 330, "openvino", (Step(self.id, {"compress_to_fp16": True}),), remainder=True)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: ConvertOpenvinoParams
    ) -> LocalArtifact:
        """Read, save, and compare with the file before.

        Raises:
            PassFailed: OpenVINO does not know an operator.
        """
        with library("OpenVINO", context.folder, HINT):
            model = read(artifact.path, context.model)
            counts = openvino_counts(model)
            files = write(model, context.folder, params.compress_to_fp16)
            details = counts | differences(
                (reference(artifact.path, context, batch), outputs(files[0], context, batch))
                for batch in batches(context)
            )
        return LocalArtifact("openvino", files[0], files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ConvertOpenvinoParams) -> None:
        """Check that outputs are ONNX Runtime's, and the promised size.

        Raises:
            PassFailed: They are not.
        """
        allowed = ROUNDED if params.compress_to_fp16 or after.details["quantized"] else EXACT
        if not after.details["difference"] <= allowed:
            raise PassFailed(f"On OpenVINO {differ(after.details)}.", hint=HINT)
        if params.compress_to_fp16 and size(before) > LARGE and size(after) > 0.75 * size(before):
            raise PassFailed(
                "The weights did not become smaller in FP16.", hint="They may be quantized already."
            )


PASS = ConvertOpenvino()
