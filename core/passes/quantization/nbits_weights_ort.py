"""Block-wise INT4 and INT8 weights by ONNX Runtime, as an ONNX file with MatMulNBits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Figure, Finding, FindingKind
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed, PassNotApplicable
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import distance, onnx_outputs, require_finite
from core.passes.library_errors import library
from core.passes.quantization.coverage import onnx_counts, require_float
from core.passes.quantization.heavy_products import require_products
from core.passes.quantization.onnx_preprocessing import prepared
from core.protocols import Idea, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

HINT = "Try dynamic INT8, or INT4 weights by NNCF, which OpenVINO runs."
KIND = "MatMulNBits"
INT8_SUMS = 4
"""ONNX Runtime's number for kernels that turn activations to 8 bits as they come."""


@dataclass(frozen=True)
class NBitsWeightsOrtParams:
    """What to trade for what."""

    bits: str = setting(
        "4", "Bits", help="Of each weight: 4 are half as large as 8 and lose more.", choices=("4", "8")
    )
    block: str = setting(
        "32",
        "Block size",
        help="Weights that share a scale: smaller blocks lose less and take more room.",
        choices=("16", "32", "64", "128", "256"),
    )
    symmetric: bool = setting(
        False, "Symmetric weights", help="Zero in the middle of the range: a bit smaller, less accurate."
    )
    integer: bool = setting(
        True, "8-bit arithmetic", help="Activations become 8 bits as they come: faster, a bit less accurate."
    )


class NBitsWeightsOrt(Pass):
    """Round-to-nearest weights of matrix products with a scale for each block of a column."""

    id = "nbits_weights_ort"
    name = "INT4 weights"
    summary = "Stores the weights of matrix products in blocks of 4 or 8 bits, for ONNX Runtime alone."
    learn = Learn(
        does="The weights of matrix products are stored in blocks of 4 or 8 bits with a scale each, as "
        "ONNX Runtime's MatMulNBits, and unpacked during the product.",
        costs="Accuracy: values are rounded to the nearest level without data. Only ONNX Runtime runs the "
        "file.",
        choose="For large transformers on ONNX Runtime. Take 8 bits, or smaller blocks, where 4 lose too "
        "much.",
        expect="An eighth of the weights' size with 4 bits, a quarter with 8; faster where reading weights "
        "takes the time",
        picture=Picture.BLOCKS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    Params = NBitsWeightsOrtParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    libraries = ("onnxruntime", "onnx")
    build_s = (2.0, 1.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield both widths for what multiplies matrices."""
        if not model.sees_images:
            yield Idea(3, 334, "onnxruntime", (Step(self.id),))
            yield Idea(3, 336, "onnxruntime", (Step(self.id, {"bits": "8"}),))

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return how many products have such weights."""
        if "blocks" in details:
            told = f"{details['blocks']} matrix products have weights in blocks; only ONNX Runtime runs them."
            yield Finding(
                "block_weights", FindingKind.NOTE, told, figure=Figure(details["blocks"], "products")
            )

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: NBitsWeightsOrtParams
    ) -> LocalArtifact:
        """Prepare the graph, turn Gemm to MatMul, store the weights in blocks, compare.

        Raises:
            PassNotApplicable: Matrix products hold few of the weights.
            PassFailed: ONNX Runtime broke on it, or the result does not run.
        """
        path = context.folder / "model.onnx"
        with library("ONNX Runtime's quantizer", context.folder, HINT) as work:
            model = prepared(artifact.path, context, work)
            require_float(onnx_counts(model), HINT)
            require_products(*_weights(model))
            files = onnx_files.save(_in_blocks(model, params), path)
            found, expected = onnx_outputs(path, context), onnx_outputs(artifact.path, context)
            require_finite(found, expected, HINT)
        made = onnx_files.load(path, weights=False)
        details = onnx_counts(made) | {
            "blocks": onnx_files.count_ops(made)[KIND],
            "difference": distance(expected, found),
        }
        return LocalArtifact("onnx", path, files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NBitsWeightsOrtParams) -> None:
        """Check that weights are in blocks.

        Raises:
            PassFailed: None is.
        """
        if not after.details["blocks"]:
            raise PassFailed("Not one matrix product was given weights in blocks.", hint=HINT)


def _in_blocks(model: ModelProto, params: NBitsWeightsOrtParams) -> ModelProto:
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.quantization.onnx_model import ONNXModel

    onnx_edits.untie_gemm_weights(model)
    graph = ONNXModel(model)
    graph.replace_gemm_with_matmul()
    quantizer = MatMulNBitsQuantizer(
        graph.model,
        bits=int(params.bits),
        block_size=int(params.block),
        is_symmetric=params.symmetric,
        accuracy_level=INT8_SUMS if params.integer else None,
    )
    quantizer.process()
    made: ModelProto = quantizer.model.model
    if not onnx_files.count_ops(made)[KIND]:
        raise PassNotApplicable("No matrix product of the graph has constant weights.", hint=HINT)
    return made


def _weights(model: ModelProto) -> tuple[int, int]:
    """Return the bytes of the weights of products, and of all weights."""
    sizes = {tensor.name: tensor.ByteSize() for tensor in model.graph.initializer}
    used = {
        node.input[1]
        for node in onnx_files.nodes(model)
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in sizes
    }
    return sum(sizes[name] for name in used), sum(sizes.values())


PASS = NBitsWeightsOrt()
