"""ai-edge-quantizer on LiteRT files: recipes, ranges from data, and a comparison with the file before.

Source: https://github.com/google-ai-edge/ai-edge-quantizer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.graphs.tflite.interpreter import Runner, in_layout, open_file
from core.graphs.tflite.layers import Layer, counts, layers_of, operator_name, read, weights_of
from core.optional import install_line, version
from core.passes.checks import differences, require_finite, require_signal
from core.passes.library_errors import size
from core.passes.quantization.calibration import CalibrationFeeds
from core.passes.quantization.int8_findings import int8_findings
from core.passes.toolchain_ready import toolchain_ready
from core.protocols import Array, Feed, Idea, LocalArtifact, Pass, PassContext

LIBRARY = "ai_edge_quantizer"
TOGETHER = 8
"""Calibration samples that are held at once."""
LARGE = 1_000_000
EXPORTED_LATER = 180
"""By how much ideas that need an export to LiteRT come later than those for a LiteRT upload."""
FAINT = "FP16 and dynamic INT8 keep faint signals."
Recipe = list[dict[str, Any]]
EVERYWHERE = ".*"
TRANSPOSED, BIAS = "TRANSPOSE_CONV", 3
"""Operator whose bias litert-torch leaves with four axes, and its position among the inputs."""
ENDS = ("INPUT", "OUTPUT")
"""What the library calls the places where data go in and come out."""


def require_quantizer() -> None:
    """Refuse where the library is not installed.

    Raises:
        PassNotApplicable: With the line that installs it.
    """
    if version(LIBRARY) is None:
        line = install_line(LIBRARY.replace("_", "-"))
        raise PassNotApplicable("ai-edge-quantizer is not installed.", hint=f"Install it: {line}")


class LiteRtQuantizer(Pass):
    """What every technique of the library has in common."""

    kind = Kind.QUANTIZATION
    produces: ClassVar[dict[str, str]] = {"tflite": "tflite"}
    libraries = (LIBRARY,)

    def requires(self, model: SourceModel, environment: Environment, params: Any) -> None:
        """Refuse where the library is not installed.

        Raises:
            PassNotApplicable: It is not.
        """
        require_quantizer()


class LiteRtInt8(LiteRtQuantizer):
    """Techniques that compute in 8 bits.

    Attributes:
        order: Of its idea for LiteRT uploads; for others it comes so much later that an export comes before.
    """

    precision = Precision.INT8
    order: ClassVar[int]

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself for LiteRT uploads, and for others where the exporter's environment is there."""
        if model.format == "tflite":
            yield Idea(1, self.order, "litert", (Step(self.id),))
        elif toolchain_ready("litert"):
            yield Idea(2, self.order + EXPORTED_LATER, "litert", (Step(self.id),))

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)


def require_weights(path: Path) -> list[Layer]:
    """Return the layers that multiply in float.

    Raises:
        PassNotApplicable: There are none, or all are in 8 bits already.
    """
    found = layers_of(read(path))
    floating = [each for each in found if not each.quantized]
    if not found:
        raise PassNotApplicable(
            "The file has no convolution and no matrix product.", hint="Leave this step out."
        )
    if not floating:
        raise PassNotApplicable(
            f"All {len(found)} layers are in 8 bits already.", hint="Start from the float file."
        )
    return floating


def left_out(names: Sequence[str]) -> Recipe:
    """Return what keeps the layers that make these tensors in float."""
    return [_untouched(f"(^|;){re.escape(name)}(;|$)", "*") for name in names]


def float_ends() -> Recipe:
    """Return what keeps inputs and outputs in float."""
    return [_untouched(EVERYWHERE, each) for each in ENDS]


def _untouched(regex: str, operation: str) -> dict[str, Any]:
    return {"regex": regex, "operation": operation, "algorithm_key": "no_quantize", "op_config": {}}


def prepared(path: Path, work: Path) -> Path:
    """Return a file as the library wants it, this one or a copy: with one signature, and biases of one axis.

    Raises:
        PassNotApplicable: The file can be called in several ways.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    known = open_file(path, 1).get_signature_list()
    if len(known) > 1:
        raise PassNotApplicable(
            f"The file has {len(known)} signatures: {', '.join(known)}.",
            hint="Export the one that is used to a file of its own.",
        )
    model = read(path)
    flattened = _flatten_biases(model)
    if known and not flattened:
        return path
    if not known:
        model.signatureDefs = [_signature(model.subgraphs[0])]
    target = work / "prepared.tflite"
    target.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    return target


def _flatten_biases(model: Any) -> int:
    """Give biases of (1, 1, 1, channels) one axis, as their scales lie along the first; return how many."""
    found = 0
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            kind = operator_name(model.operatorCodes[operator.opcodeIndex])
            at = operator.inputs[BIAS] if kind == TRANSPOSED and len(operator.inputs) > BIAS else -1
            if at >= 0 and len(graph.tensors[at].shape) > 1:
                bias = graph.tensors[at]
                bias.shape, bias.shapeSignature = [prod(bias.shape)], None
                found += 1
    return found


def _signature(graph: Any) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = "serving_default", 0
    made.inputs, made.outputs = (
        [_place(schema, f"{kind}_{at}", tensor) for at, tensor in enumerate(tensors)]
        for kind, tensors in (("input", graph.inputs), ("result", graph.outputs))
    )
    return made


def _place(schema: Any, name: str, tensor: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, tensor
    return made


def quantize(
    context: PassContext, path: Path, recipe: Recipe, ranges: Mapping[str, Any] | None = None
) -> Path:
    """Write the file that a recipe of the library makes, and return where.

    Args:
        context: Of the pass.
        path: Of the file in float, as `prepared` returns it.
        recipe: Of the library; later entries count before earlier ones.
        ranges: As `found_ranges` returns them, for a recipe that needs them.
    """
    from ai_edge_quantizer.quantizer import Quantizer

    quantizer = Quantizer(path.read_bytes(), recipe)
    made = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    target = context.folder / "model.tflite"
    target.write_bytes(bytes(made.quantized_model or b""))
    return target


def found_ranges(
    context: PassContext,
    path: Path,
    recipe: Recipe,
    feeds: CalibrationFeeds,
    options: Mapping[str, Any],
    widest: bool,
) -> dict[str, Any]:
    """Return the ranges of the tensors over the calibration data.

    Args:
        context: Of the pass.
        path: Of the file in float, as `prepared` returns it.
        recipe: What is to be quantized.
        feeds: Calibration data.
        options: Of the artifact.
        widest: Whether the widest range counts; else a moving average over the samples.
    """
    from ai_edge_quantizer.calibrator import Calibrator
    from ai_edge_quantizer.recipe_manager import RecipeManager
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    manager = RecipeManager()
    manager.load_quantization_recipe(recipe)
    how = {"qsv_update_func": min_max_update} if widest else {}
    calibrator = Calibrator(path.read_bytes(), num_threads=context.threads, **how)
    (signature,) = calibrator.get_signature_list()
    runner, samples = Runner(open_file(path, context.threads)), iter(feeds)
    while some := [_named(feed, runner, options) for feed in islice(samples, TOGETHER)]:
        calibrator.calibrate({signature: some}, manager)
    ranges: dict[str, Any] = calibrator.get_model_qsvs()
    return ranges


def _named(feed: Feed, runner: Runner, options: Mapping[str, Any]) -> Feed:
    """Return a sample as the file takes it, under the names of its signature."""
    given = runner.of(in_layout(list(feed.values()), options))
    return {port.name: port.stored(array) for port, array in zip(runner.inputs, given, strict=True)}


def compared(context: PassContext, artifact: LocalArtifact, path: Path, hint: str) -> dict[str, Any]:
    """Return how the quantized file differs from the one before on an example, and what it holds, as details.

    Raises:
        PassFailed: Its outputs are not finite where they were, or nothing is left of them; with `hint`.
    """
    feed = example_feed(context.model, context.model.fixed_batch or 1, context.seed)
    expected, found = (
        _answers(each, feed, artifact.options, context.threads) for each in (artifact.path, path)
    )
    require_finite(found, expected, hint)
    require_signal(found, expected, FAINT)
    held = {f"weights_in_{kind.lower()}": count for kind, count in weights_of(read(path)).items()}
    return counts(path) | differences([(expected, found)]) | held


def _answers(path: Path, feed: Feed, options: Mapping[str, Any], threads: int) -> list[Array]:
    runner = Runner(open_file(path, threads))
    return runner.run(runner.of(in_layout(list(feed.values()), options)))


def require_smaller(before: LocalArtifact, after: LocalArtifact, share: float, hint: str) -> None:
    """Refuse a file that holds many weights and is hardly smaller than before.

    Raises:
        PassFailed: It is.
    """
    if size(before) > LARGE and size(after) > share * size(before):
        raise PassFailed(
            f"The file is hardly smaller: {size(after) / 1e6:.1f} MB, {size(before) / 1e6:.1f} MB before.",
            hint=hint,
        )
