"""FP16 conversion: ONNX weights and computation in half precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind, Precision
from core.errors import PassFailed, PassNotApplicable
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import distance, onnx_outputs, require_finite
from core.passes.library_errors import library, size
from core.passes.quantization.coverage import onnx_counts
from core.protocols import Idea, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

HINT = "Choose weights only, or INT8, which is smaller still."
LARGEST = 65504.0
SMALL = 16
"""Elements below which a constant stays in FP32: scales and sizes, whose bytes do not count."""

OTHERS = {
    11: ("double precision", "Turn them to single precision first: the technique double_to_float."),
    10: ("FP16 already", "Nothing is left to halve; INT8 halves once more."),
    16: ("BF16", "Export the model in float32."),
    3: ("8 bits already", "Half precision would make them larger."),
    2: ("8 bits already", "Half precision would make them larger."),
}
"""What weights are stored in, by ONNX's number of the type, and what to do about it."""

OVERFLOWING = ("ReduceSum", "ReduceMean", "ReduceL2", "ReduceSumSquare", "Pow", "Exp", "Softmax",
               "LayerNormalization", "InstanceNormalization", "BatchNormalization", "CumSum", "Resize",
               "Range")  # fmt: skip


@dataclass(frozen=True)
class Fp16Params:
    """What to halve."""

    scope: str = setting(
        "weights",
        "What becomes FP16",
        help="Weights: half the size, same speed. Graph: for devices that compute in FP16; slow on CPUs.",
        choices=("weights", "graph"),
    )


class Fp16(Pass):
    """Half-precision floats in the file, FP32 at inputs and outputs."""

    id = "fp16"
    name = "FP16"
    summary = "Halves the file by storing floats in 16 bits; hardly any accuracy lost, no faster on CPUs."
    learn = Learn(
        does="Floats are stored in 16 bits: more precision than BF16, but no values above 65,504.",
        costs="Hardly any accuracy, unless values overflow. Processors without FP16 arithmetic convert at "
        "each call, which can cost time.",
        choose="To halve a download, and for GPUs and other devices that compute in FP16. It makes no CPU "
        "faster.",
        expect="Half the size, no faster on most processors, 0 to 0.1 points lost",
        picture=Picture.FLOATS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.FP16
    version = 3
    Params = Fp16Params
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    libraries = ("onnxruntime", "onnx")
    build_s = (1.5, 0.3)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield the smaller file."""
        yield Idea(1, 140 if model.sees_images else 150, "onnxruntime", (Step(self.id),))

    def run(self, context: PassContext, artifact: LocalArtifact, params: Fp16Params) -> LocalArtifact:
        """Convert and compare with the original on an example.

        Raises:
            PassNotApplicable: The file holds no weights in FP32.
            PassFailed: The result does not run or its outputs are not finite.
        """
        path = context.folder / "model.onnx"
        with library("The FP16 conversion", context.folder, HINT):
            model = onnx_files.load(artifact.path)
            onnx_edits.drop_weight_inputs(model)
            onnx_edits.lift_constants(model)
            weights = params.scope == "weights"
            converted = sum(map(_weights, onnx_files.graphs(model.graph))) if weights else _whole(model)
            if not converted:
                raise _nothing(model)
            files = onnx_files.save(model, path)
            expected, outputs = onnx_outputs(artifact.path, context), onnx_outputs(path, context)
            require_finite(outputs, expected, HINT)
        details = onnx_counts(onnx_files.load(path, weights=False)) | {
            "halved": converted,
            "difference": distance(expected, outputs),
        }
        return LocalArtifact("onnx", path, files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Fp16Params) -> None:
        """Check types and size.

        Raises:
            PassFailed: Inputs or outputs changed their type, or the file did not shrink.
        """
        old, new = (onnx_files.load(artifact.path, weights=False) for artifact in (before, after))
        if _interface(old) != _interface(new):
            raise PassFailed("Inputs or outputs changed their name or type.", hint=HINT)
        if not any(tensor.data_type == tensor.FLOAT16 for tensor in onnx_files.tensors(new)):
            raise PassFailed("No weight is stored in FP16.", hint=HINT)
        if size(before) > 1_000_000 and size(after) >= size(before):
            raise PassFailed("The file did not become smaller.", hint=HINT)


def _nothing(model: ModelProto) -> PassNotApplicable:
    """Return the error that says in what the weights are instead."""
    held: Counter[int] = Counter()
    for tensor in onnx_files.tensors(model):
        held[tensor.data_type] += prod(tensor.dims)
    most = max(held, key=lambda kind: held[kind], default=0)
    found = OTHERS.get(most)
    if found is None or held[most] < SMALL:
        return PassNotApplicable(
            "The file holds no weights that FP16 could halve: its constants are few, or beyond FP16's range.",
            hint="Try INT8, or leave it as it is.",
        )
    return PassNotApplicable(f"The weights are in {found[0]}, not in FP32.", hint=found[1])


def _interface(model: ModelProto) -> list[tuple[str, int]]:
    held = set(onnx_files.input_names(model)) | set(onnx_files.output_names(model))
    values = (*model.graph.input, *model.graph.output)
    return [(value.name, value.type.tensor_type.elem_type) for value in values if value.name in held]


def _weights(graph: GraphProto) -> int:
    """Store the weights in FP16 behind casts, which runtimes fold when they load the model."""
    from onnx import TensorProto, helper

    casts = []
    fed = {value.name for value in graph.input} | {value.name for value in graph.output}
    for tensor in graph.initializer:
        half = _half(tensor) if tensor.name not in fed else None
        if half is None:
            continue
        name, tensor_name = f"{tensor.name}_fp16", tensor.name
        tensor.CopyFrom(half)
        tensor.name = name
        casts.append(
            helper.make_node("Cast", [name], [tensor_name], f"{tensor_name}_widen", to=TensorProto.FLOAT)
        )
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + rest)
    return len(casts)


def _half(tensor: TensorProto) -> TensorProto | None:
    from onnx import numpy_helper

    if tensor.data_type != tensor.FLOAT:
        return None
    array = numpy_helper.to_array(tensor)
    if array.size < SMALL or not np.abs(array).max() <= LARGEST:
        return None
    return numpy_helper.from_array(array.astype(np.float16), tensor.name)


def _whole(model: ModelProto) -> int:
    """Turn the graph to FP16, operators that sum up or overflow excepted."""
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    onnx_edits.drop_shapes(model)
    blocked = [*DEFAULT_OP_BLOCK_LIST, *OVERFLOWING]
    converted = convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)
    model.CopyFrom(converted)
    return sum(tensor.data_type == tensor.FLOAT16 for tensor in model.graph.initializer)


PASS = Fp16()
