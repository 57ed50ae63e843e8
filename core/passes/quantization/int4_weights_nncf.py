"""Block-wise INT4 weights by NNCF, as an OpenVINO model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from core.domain.finding import Figure, Finding, FindingKind
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed
from core.params import setting
from core.passes.library_errors import library
from core.passes.openvino_files import largest_difference, read, write
from core.passes.quantization.calibration import MOST, CalibrationFeeds
from core.passes.quantization.coverage import openvino_counts, openvino_weight_counts, require_float
from core.passes.quantization.heavy_products import require_products
from core.protocols import Idea, LocalArtifact, Pass, PassContext

HINT = "Try INT8 weights, which lose less, or blocks of another size."
CORRECTIONS = ("none", "awq", "scale_estimation", "gptq")
FOUR = ("i4", "u4")


@dataclass(frozen=True)
class Int4WeightsNncfParams:
    """What to trade for what."""

    block: int = setting(
        64,
        "Block size",
        unit="weights",
        help="Weights that share a scale: smaller blocks lose less and take more room.",
        low=16,
        high=512,
    )
    symmetric: bool = setting(
        False, "Symmetric weights", help="Zero in the middle of the range: a bit smaller, less accurate."
    )
    correction: str = setting(
        "none",
        "Error correction",
        help="From calibration data: AWQ scales channels that matter, scale estimation fits the scales to "
        "the outputs, GPTQ lets later weights make up for earlier ones. Each takes longer and loses less.",
        choices=CORRECTIONS,
    )
    share: float = setting(
        1.0, "Share in 4 bits", help="The rest, the most sensitive layers, is in 8 bits.", low=0.1, high=1.0
    )
    samples: int = setting(
        64, "Calibration samples", help="For error corrections and for a share below 1.", low=1, high=MOST
    )


class Int4WeightsNncf(Pass):
    """Weights of matrix products in 4 bits with a scale for each block; embeddings and the last layer in 8.

    Sources: NNCF's weight compression, https://github.com/openvinotoolkit/nncf; AWQ (Lin et al., MLSys 2024,
    arXiv 2306.00978); GPTQ (Frantar et al., ICLR 2023, arXiv 2210.17323).
    """

    id = "int4_weights_nncf"
    name = "INT4 weights, NNCF"
    summary = "Stores the weights of matrix products in 4 bits, block by block: for large transformers."
    learn = Learn(
        does="The weights of matrix products are stored in 4 bits, in blocks that have a scale each; "
        "embeddings and the last layer get 8. AWQ, scale estimation and GPTQ choose the values with "
        "less loss, by calibration samples.",
        costs="More accuracy than 8 bits, more so for small models. The corrections take data and minutes.",
        choose="For large transformers, whose time goes into reading weights. Small or convolutional "
        "networks gain nothing.",
        expect="An eighth of the weights' size; faster where weights do not fit into the caches",
        picture=Picture.BLOCKS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    Params = Int4WeightsNncfParams
    produces: ClassVar[dict[str, str]] = {"onnx": "openvino"}
    calibrates = True
    fits = True
    libraries = ("nncf", "openvino")
    build_s = (4.0, 2.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself, and with scales fitted to data, for what multiplies matrices."""
        if not model.sees_images:
            yield Idea(3, 330, "openvino", (Step(self.id),), remainder=True)
            yield Idea(
                3, 332, "openvino", (Step(self.id, {"correction": "scale_estimation"}),), remainder=True
            )

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return how much of the weights is in 4 bits."""
        if "bytes_in_4_bits" in details:
            four, others = details["bytes_in_4_bits"] / 1e6, details["bytes_wider"] / 1e6
            told = f"{four:.2f} MB of weights are in 4 bits, {others:.2f} MB in more."
            yield Finding("int4_weights", FindingKind.NOTE, told, figure=Figure(four, "MB"))

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int4WeightsNncfParams
    ) -> LocalArtifact:
        """Read, compress, save, compare.

        Raises:
            PassNotApplicable: Matrix products hold few of the weights.
            PassFailed: NNCF or OpenVINO broke on it, or the result does not run.
        """
        with library("NNCF", context.folder, HINT):
            model = read(artifact.path, context.model)
            require_float(openvino_counts(model))
            require_products(*_weights(model))
            _transpose(model)
            compressed = _compressed(model, context, params)
            files = write(compressed, context.folder, compress=False)
            difference = largest_difference(artifact.path, files[0], context, HINT)
            # Of the file: writing folds what compression left beside it.
            constants = _constants(read(files[0], context.model))
        four = sum(node.get_byte_size() for node in constants if _type(node) in FOUR)
        details = openvino_weight_counts(compressed) | {
            "difference": difference,
            "bytes_in_4_bits": four,
            "bytes_wider": sum(node.get_byte_size() for node in constants) - four,
        }
        return LocalArtifact("openvino", files[0], files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int4WeightsNncfParams) -> None:
        """Check that weights are in 4 bits.

        Raises:
            PassFailed: None is.
        """
        if not after.details["bytes_in_4_bits"]:
            raise PassFailed("Not one weight is stored in 4 bits.", hint=HINT)


def _compressed(model: Any, context: PassContext, params: Int4WeightsNncfParams) -> Any:
    import nncf

    modes, fallback = nncf.CompressWeightsMode, nncf.GroupSizeFallbackMode.ADJUST
    feeds = CalibrationFeeds(context, params.samples)
    names = [port.get_any_name() for port in model.inputs]
    by_data = params.correction != "none" or params.share < 1
    corrections = {name: True for name in CORRECTIONS[1:] if name == params.correction}
    return nncf.compress_weights(
        model,
        mode=modes.INT4_SYM if params.symmetric else modes.INT4_ASYM,
        ratio=params.share,
        group_size=params.block,
        dataset=nncf.Dataset(feeds, lambda feed: {name: feed[name] for name in names}) if by_data else None,
        subset_size=params.samples,
        advanced_parameters=nncf.AdvancedCompressionParameters(
            group_size_fallback_mode=fallback, min_adjusted_group_size=16
        ),
        **corrections,
    )


def _transpose(model: Any) -> None:
    """Lay the weights of products out with outputs first, which GPTQ asks for and kernels like."""
    from openvino import opset13 as ops

    for node in model.get_ordered_ops():
        weight = node.input_value(1).get_node() if node.get_type_name() == "MatMul" else None
        if weight is None or weight.get_type_name() != "Constant" or weight.data.ndim != 2:
            continue
        known = node.get_attributes()
        if not known["transpose_b"]:
            turned = ops.constant(np.ascontiguousarray(weight.data.T))
            made = ops.matmul(node.input_value(0), turned, known["transpose_a"], True)
            made.set_friendly_name(node.get_friendly_name())
            names = node.output(0).get_names()
            node.output(0).replace(made.output(0))
            made.output(0).get_tensor().set_names(names)


def _constants(model: Any) -> list[Any]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "Constant"]


def _type(node: Any) -> str:
    return str(node.get_element_type().get_type_name())


def _weights(model: Any) -> tuple[int, int]:
    """Return the bytes of the weights of products, and of all weights."""
    products = {
        node.get_friendly_name(): node
        for product in model.get_ordered_ops()
        if product.get_type_name() == "MatMul"
        for node in [product.input_value(1).get_node()]
        if node.get_type_name() == "Constant"
    }
    held = sum(node.get_byte_size() for node in products.values())
    return held, sum(node.get_byte_size() for node in _constants(model))


PASS = Int4WeightsNncf()
