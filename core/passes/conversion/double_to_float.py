"""FP64 to FP32 conversion of ONNX graphs, where single precision holds their values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind, NoParams
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.passes.checks import batches, distance, require_finite
from core.passes.conversion.constant_branches import rename
from core.passes.library_errors import library
from core.passes.quantization.coverage import onnx_counts
from core.protocols import LocalArtifact, Opener, PassContext

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

TOLERANCE = 1e-3
"""Of an output's range. Single precision keeps seven digits; what loses four of them cancels too much."""

COMPARED = 8
"""Calibration samples to compare on."""

TYPE_ATTRIBUTES = frozenset({"to", "dtype", "output_dtype"})
HINT = "Keep it in double precision: graph optimization works on it as it is."


class DoubleToFloat(Opener):
    """Half the bytes and twice the numbers per instruction; most techniques and OpenVINO start from there."""

    id = "double_to_float"
    name = "Double to float"
    summary = "Computes in single instead of double precision, where the outputs stay the same to 0.1 %."
    learn = Learn(
        does="Double precision becomes single, where the outputs stay the same to 0.1 %.",
        costs="Precision that networks do not need; checked on calibration samples.",
        choose="For exports from scikit-learn, NumPy or MATLAB that compute in FP64, before any other "
        "technique.",
        expect="Up to twice as fast, half the size",
    )
    kind = Kind.CONVERSION
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    calibrates = True
    libraries = ("onnxruntime", "onnx")
    build_s = (1.5, 0.3)
    alone = True

    def opens(self, model: SourceModel) -> Step | None:
        """Return the step for models in double precision: nothing else works well on these."""
        return Step(self.id) if model.precision == "FP64" else None

    def requires(self, model: SourceModel, environment: Environment, params: NoParams) -> None:
        """Refuse models that are not in double precision.

        Raises:
            PassNotApplicable: The weights are of another type.
        """
        if model.precision != "FP64":
            raise PassNotApplicable(
                f"The model computes in {model.precision}, not in double precision.",
                hint="Nothing needs to be done.",
            )

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Convert, keeping the types of inputs and outputs, and compare on calibration data.

        Raises:
            PassNotApplicable: There is no double, or one that single precision cannot hold.
            PassFailed: The outputs are too far from the original's.
        """
        path = context.folder / "model.onnx"
        with library("The conversion to single precision", context.folder, HINT):
            model = onnx_files.load(artifact.path)
            converted = to_float(model)
            if not converted:
                raise PassNotApplicable("The graph holds no constant in double precision.", hint=HINT)
            files = onnx_files.save(model, path)
            difference = _difference(artifact, path, context)
        details = onnx_counts(model) | {"converted": converted, "difference": difference}
        return LocalArtifact("onnx", path, files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that outputs are the original's.

        Raises:
            PassFailed: Single precision loses too much here.
        """
        worst = after.details["difference"]
        if not worst <= TOLERANCE:
            raise PassFailed(
                f"In single precision the outputs differ by {worst:.2g} of their range.",
                hint=HINT,
            )


def _difference(artifact: LocalArtifact, path: object, context: PassContext) -> float:
    """Return the largest relative difference on calibration data and at other batch sizes."""
    before, after = (onnx_files.session(one, context.threads) for one in (artifact.path, path))  # type: ignore[arg-type]
    feeds = list(islice(context.calibration(), COMPARED))
    feeds += [example_feed(context.model, batch, context.seed) for batch in batches(context)]
    worst = 0.0
    for feed in feeds:
        expected, found = onnx_files.run(before, feed), onnx_files.run(after, feed)
        require_finite(found, expected, HINT)
        worst = max(worst, distance(expected, found, floor=float(np.finfo(np.float32).tiny)))
    return worst


def to_float(model: ModelProto) -> int:
    """Turn every double inside `model` to single precision; inputs and outputs keep their type behind casts.

    Returns:
        The number of constants that were converted.

    Raises:
        PassNotApplicable: A constant is beyond the range of single precision.
    """
    from onnx import inliner

    if model.functions:
        model.CopyFrom(inliner.inline_local_functions(model))
    onnx_edits.drop_weight_inputs(model)
    onnx_edits.drop_shapes(model)
    held = [tensor for tensor in onnx_files.tensors(model) if tensor.data_type == tensor.DOUBLE]
    for tensor in held:
        _narrow(tensor)
    for node in onnx_files.nodes(model):
        for attribute in node.attribute:
            if attribute.name in TYPE_ATTRIBUTES and attribute.i == 11:
                attribute.i = 1
    for graph in list(onnx_files.graphs(model.graph))[1:]:
        _narrow_values(graph)
    _cast_ends(model.graph)
    return len(held)


def _narrow(tensor: TensorProto) -> None:
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if not np.array_equal(np.isfinite(array), np.isfinite(single)):
        largest = np.abs(array[np.isfinite(array)]).max()
        raise PassNotApplicable(
            f"The constant {tensor.name!r} goes up to {largest:.3g}, beyond the range of single precision.",
            hint=HINT,
        )
    tensor.CopyFrom(numpy_helper.from_array(single, tensor.name))


def _narrow_values(graph: GraphProto) -> None:
    """Give the inputs and outputs of a branch or loop body the type that they have now."""
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == 11:
            value.type.tensor_type.elem_type = 1


def _cast_ends(graph: GraphProto) -> None:
    from onnx import TensorProto, helper

    def doubles(values: object) -> list[str]:
        return [value.name for value in values if value.type.tensor_type.elem_type == TensorProto.DOUBLE]  # type: ignore[attr-defined]

    inputs, outputs = doubles(graph.input), doubles(graph.output)
    declared = [value.name for value in graph.output]
    rename(graph, {name: f"{name}_single" for name in (*inputs, *outputs)})
    for value, name in zip(graph.output, declared, strict=True):
        value.name = name
    first = [helper.make_node("Cast", [name], [f"{name}_single"], to=TensorProto.FLOAT) for name in inputs]
    last = [helper.make_node("Cast", [f"{name}_single"], [name], to=TensorProto.DOUBLE) for name in outputs]
    middle = list(graph.node)
    del graph.node[:]
    graph.node.extend([*first, *middle, *last])


PASS = DoubleToFloat()
