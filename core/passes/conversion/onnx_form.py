"""Form of an ONNX file: operator set, free sizes, recorded shapes, weights inside or beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.technique import Kind
from core.errors import PassFailed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.checks import standard
from core.graphs.onnx.opsets import NEWEST, OLDEST, in_opset
from core.params import setting
from core.passes.checks import batches, differ, differences, onnx_outputs
from core.passes.library_errors import library
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-3
AS_IT_IS = 0
HINT = "Keep the operator set as it is, or choose one nearer to it."


@dataclass(frozen=True)
class OnnxFormParams:
    """What the file's reader wants."""

    opset: int = setting(
        AS_IT_IS,
        "Operator set",
        help="0 keeps it. Readers of an age know the sets of their time: 13 is of 2020, 24 of 2025.",
        choices=(AS_IT_IS, *range(OLDEST, NEWEST + 1)),
    )
    axes: str = setting(
        "keep",
        "Free sizes",
        help="Batch: only the batch stays free. Fixed: none, for readers that know no free sizes; "
        "the batch becomes 1.",
        choices=("keep", "batch", "fixed"),
    )
    weights: str = setting(
        "auto",
        "Weights",
        help="Inside the file or in one beside it. Auto puts them beside where the file would pass 2 GB, "
        "which no reader takes.",
        choices=("auto", "inside", "beside"),
    )
    shapes: bool = setting(
        True,
        "Record shapes",
        help="Writes the inferred shape of every inner tensor, which some readers need.",
    )


class OnnxForm(Pass):
    """A conversion of the file around the network: the outputs stay the same and are compared."""

    id = "onnx_form"
    name = "ONNX form"
    summary = "Writes the file as its reader wants it: operator set, free sizes, weights inside or beside."
    learn = Learn(
        does="The graph is converted to an operator set, its sizes are fixed or left free, its shapes are "
        "recorded, and ONNX's checker looks at it.",
        costs="Nothing in accuracy: outputs are compared at two sizes of batch. Older sets lack operators.",
        choose="When the tool that reads the file wants an older or newer operator set, or fixed sizes.",
        expect="The same answers at the same speed",
    )
    kind = Kind.CONVERSION
    Params = OnnxFormParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    converts = True
    libraries = ("onnx", "onnxscript", "onnxruntime")
    build_s = (1.5, 0.2)
    weights_held = 5.0

    def run(self, context: PassContext, artifact: LocalArtifact, params: OnnxFormParams) -> LocalArtifact:
        """Convert with the first converter whose graph answers as the original does.

        Raises:
            PassFailed: None does, or ONNX's checker refuses the file.
        """
        path, problems = context.folder / "model.onnx", []
        sizes = (1,) if params.axes == "fixed" and context.model.fixed_batch is None else batches(context)
        with library("The conversion", context.folder, HINT):
            model = onnx_files.load(artifact.path)
            before = onnx_files.opset(model)
            expected = {batch: onnx_outputs(artifact.path, context, batch) for batch in sizes}
            for each in in_opset(model, params.opset or before):
                try:
                    files, found = _written(each, path, params, context, expected)
                    break
                except Exception as error:  # the other converter may do better
                    problems.append(error)
            else:
                raise problems[0]
        details = found | {"opset": params.opset or before, "opset_before": before, "batches": list(expected)}
        return LocalArtifact("onnx", path, files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: OnnxFormParams) -> None:
        """Check operator set and names, and that ONNX's checker finds nothing that it did not find before.

        Raises:
            PassFailed: One of them is not as asked for.
        """
        old, new = (onnx_files.load(artifact.path, weights=False) for artifact in (before, after))
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"After the conversion {differ(after.details)}.", hint=HINT)
        if params.opset and onnx_files.opset(new) != params.opset:
            raise PassFailed(f"The file is in operator set {onnx_files.opset(new)}.", hint=HINT)
        if (onnx_files.input_names(old), onnx_files.output_names(old)) != (
            onnx_files.input_names(new),
            onnx_files.output_names(new),
        ):
            raise PassFailed("Inputs or outputs changed their names.", hint=HINT)
        if (problem := standard(after.path)) and not standard(before.path):
            raise PassFailed(f"ONNX's checker refuses the file: {problem}.", hint=HINT)


def _written(
    model: ModelProto,
    path: Path,
    params: OnnxFormParams,
    context: PassContext,
    expected: Mapping[int, list[Array]],
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """Finish and save a converted graph, and return its files with its difference from the original."""
    onnx_edits.drop_weight_inputs(model)
    onnx_edits.drop_shapes(model)
    fixed = _fix_sizes(model, context.model, params.axes) if params.axes != "keep" else {}
    if params.shapes:
        model = _with_shapes(model)
    onnx_edits.name_nodes(model)
    files = onnx_files.save(
        model, path, beside=None if params.weights == "auto" else params.weights == "beside"
    )
    found = differences((before, onnx_outputs(path, context, batch)) for batch, before in expected.items())
    if not found["difference"] <= TOLERANCE:
        raise PassFailed(f"After the conversion {differ(found)}.", hint=HINT)
    return files, found | ({"fixed": fixed} if fixed else {})


def _fix_sizes(model: ModelProto, source: SourceModel, axes: str) -> dict[str, str]:
    """Write the sizes of the example in place of free ones, all or all but the batch; return the inputs'."""
    sizes = dict(source.symbols)
    if source.batch_symbol is not None:
        sizes |= {source.batch_symbol: 1} if axes == "fixed" else {}
        if axes == "batch":
            del sizes[source.batch_symbol]
    specs = {spec.name: spec for spec in (*source.inputs, *source.outputs)}
    found = {}
    for value in (*model.graph.input, *model.graph.output):
        shape = specs[value.name].shape if value.name in specs else ()
        for size, dim in zip(shape, value.type.tensor_type.shape.dim, strict=False):
            if isinstance(size, str) and size in sizes:
                dim.dim_value = sizes[size]
        if sizes.keys() & set(shape):
            found[value.name] = " x ".join(str(sizes.get(str(size), size)) for size in shape)
    return {name: sizes for name, sizes in found.items() if name in {spec.name for spec in source.inputs}}


def _with_shapes(model: ModelProto) -> ModelProto:
    """Return `model` with the shapes that ONNX infers; one of over 2 GB, which it refuses, unchanged."""
    from onnx import shape_inference

    if model.ByteSize() >= onnx_files.SINGLE_FILE_LIMIT:
        return model
    return shape_inference.infer_shapes(model)


PASS = OnnxForm()
