"""Weight-only INT8 quantization by NNCF, as an OpenVINO model: activations stay float, no data is needed."""

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
from core.errors import PassFailed, PassNotApplicable
from core.params import setting
from core.passes.library_errors import library, size
from core.passes.openvino_files import largest_difference, read, write
from core.passes.quantization.coverage import openvino_counts, openvino_weight_counts, require_float
from core.passes.quantization.int8_findings import int8_findings
from core.protocols import Idea, LocalArtifact, Pass, PassContext

HINT = "Try dynamic INT8 on ONNX Runtime, or BF16."
LARGE = 1_000_000


@dataclass(frozen=True)
class Int8WeightsNncfParams:
    """What to trade for what."""

    symmetric: bool = setting(
        False, "Symmetric weights", help="Zero in the middle of the range: a bit faster, less accurate."
    )


class Int8WeightsNncf(Pass):
    """Weights of products, convolutions and tables in 8 bits with a scale per channel.

    Where it computes in FP32, OpenVINO scales the activations of products to 8 bits as they come, so that a
    processor with VNNI multiplies integers. Source: NNCF's weight compression,
    https://github.com/openvinotoolkit/nncf/blob/develop/docs/usage/post_training_compression/weights_compression/Usage.md.
    """

    id = "int8_weights_nncf"
    name = "INT8 weights, NNCF"
    summary = "Stores all weights in 8 bits; needs no data, suits transformers."
    learn = Learn(
        does="All weights are stored in 8 bits with a scale for each channel. Where the processor has "
        "VNNI, OpenVINO scales the activations of matrix products as they come and multiplies "
        "integers.",
        costs="Hardly any accuracy. Convolutions gain size only, no time.",
        choose="For transformers without data to calibrate on, and where the size of the file or the memory "
        "is what counts.",
        expect="A quarter of the size, 0 to 0.2 points lost; faster only where matrix products or reading "
        "weights take the time",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    version = 2
    Params = Int8WeightsNncfParams
    produces: ClassVar[dict[str, str]] = {"onnx": "openvino", "openvino": "openvino"}
    libraries = ("nncf", "openvino")
    build_s = (3.0, 0.5)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself for what multiplies matrices."""
        if not model.sees_images:
            yield Idea(1, 120, "openvino", (Step(self.id),), remainder=True)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8WeightsNncfParams
    ) -> LocalArtifact:
        """Read, compress, save, compare.

        Raises:
            PassNotApplicable: No layer has weights to compress.
            PassFailed: NNCF or OpenVINO broke on it, or the result does not run.
        """
        with library("NNCF", context.folder, HINT):
            import nncf

            model = read(artifact.path, context.model)
            require_float(openvino_counts(model))
            kinds = nncf.CompressWeightsMode
            mode = kinds.INT8_SYM if params.symmetric else kinds.INT8_ASYM
            compressed = nncf.compress_weights(model, mode=mode)
            files = write(compressed, context.folder, compress=False)
            difference = largest_difference(artifact.path, files[0], context, HINT)
        counts = openvino_weight_counts(compressed)
        if not counts["quantized"]:
            raise PassNotApplicable("No layer of the graph has constant weights to compress.", hint=HINT)
        details = counts | {"difference": difference} | _bytes(compressed)
        return LocalArtifact("openvino", files[0], files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8WeightsNncfParams) -> None:
        """Check that the file has shrunk if it holds more than a few weights.

        Raises:
            PassFailed: It has not.
        """
        if size(before) > LARGE and size(after) > 0.8 * size(before):
            narrow, wide = (after.details[name] / 1e6 for name in ("bytes_in_8_bits", "bytes_wider"))
            raise PassFailed(
                f"The model is hardly smaller: {narrow:.1f} MB of weights are in 8 bits now; {wide:.1f} MB "
                "are in layers that NNCF does not compress, such as recurrent ones.",
                hint=HINT,
            )


def _bytes(model: Any) -> dict[str, int]:
    """Return how many bytes of constants are of 8 bits, and how many of wider types."""
    constants = [node for node in model.get_ordered_ops() if node.get_type_name() == "Constant"]
    narrow = sum(node.get_byte_size() for node in constants if node.get_element_type().size == 1)
    return {
        "bytes_in_8_bits": narrow,
        "bytes_wider": sum(node.get_byte_size() for node in constants) - narrow,
    }


PASS = Int8WeightsNncf()
