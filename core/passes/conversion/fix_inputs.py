"""Input specialization: control inputs of an ONNX graph, such as a sample rate, are fixed and folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Step
from core.domain.technique import Kind
from core.errors import InvalidRequest, PassFailed, PassNotApplicable
from core.examples import example_feed, example_feeds
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import batches, distance
from core.passes.conversion.constant_branches import open_branches, rename, resolve
from core.passes.library_errors import library
from core.passes.quantization.coverage import onnx_counts
from core.protocols import Array, Feed, LocalArtifact, Opener, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-3
LOOKED_AT = 64
"""Samples of calibration data in which a fixed input has to be the same."""

HINT = "State the values, such as values=sr=16000, or leave the inputs free."


@dataclass(frozen=True)
class FixInputsParams:
    """What to take for granted."""

    values: str = setting(
        "",
        "Values",
        help="Such as sr=16000, several with semicolons between; empty takes what the data holds throughout.",
    )
    sizes: str = setting(
        "auto",
        "Sizes",
        help="Example: all sizes but the batch become those of the example. Auto does so only where the "
        "graph has branches that depend on them.",
        choices=("auto", "keep", "example"),
    )


class FixInputs(Opener):
    """A specialization: the input stays in the signature, and whatever is fed there makes no difference."""

    id = "fix_inputs"
    name = "Fixed inputs"
    summary = (
        "Takes inputs such as a sample rate for constant and removes the branches that are then never taken; "
        "the result is right for these values only."
    )
    learn = Learn(
        does="Inputs that never change, such as a sample rate, become constants, and branches that are "
        "then never taken are removed.",
        costs="Freedom: the file is right for these values only.",
        choose="For models with If, or with settings among their inputs, which block other techniques.",
        expect="Opens the way for other techniques; faster by what the branches cost",
    )
    kind = Kind.CONVERSION
    Params = FixInputsParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    calibrates = True
    libraries = ("onnxruntime", "onnx")
    build_s = (1.5, 0.3)

    def opens(self, model: SourceModel) -> Step | None:
        """Return the step where inputs choose among branches, and are the same in every example."""
        chosen = [spec.name for spec in model.inputs if spec.compared]
        feeds = list(example_feeds(model, 3)) if chosen else []
        steady = all(np.array_equal(feed[name], feeds[0][name]) for feed in feeds for name in chosen)
        return Step(self.id) if chosen and steady else None

    def requires(self, model: SourceModel, environment: Environment, params: FixInputsParams) -> None:
        """Refuse values for inputs that cannot be fixed, and models without an input that chooses.

        Raises:
            PassNotApplicable: There is nothing to fix.
            InvalidRequest: A stated value does not fit.
        """
        if not stated(model, params.values) and not any(spec.compared for spec in model.inputs):
            raise PassNotApplicable(
                "No input of this model is one whole number that the graph compares with constants.",
                hint="State a value to fix an input all the same, such as values=sr=16000.",
            )

    def run(self, context: PassContext, artifact: LocalArtifact, params: FixInputsParams) -> LocalArtifact:
        """Put constants in place of the inputs, fold the branches, and compare at those values.

        Raises:
            PassNotApplicable: The calibration data holds other or changing values.
            PassFailed: The graph does not run with them, or answers otherwise.
        """
        path = context.folder / "model.onnx"
        with library("Fixing inputs", context.folder, HINT) as work:
            values = _values(context, params)
            feeds = [example_feed(context.model, batch, context.seed) | values for batch in batches(context)]
            expected = [_answer(artifact.path, feed, context) for feed in feeds]
            model = onnx_files.load(artifact.path)
            onnx_edits.drop_weight_inputs(model)
            onnx_edits.drop_shapes(model)
            _fix(model, values)
            fixed: dict[str, Any] = {name: value.reshape(()).item() for name, value in values.items()}
            folded, sizes = _fold(model, params.sizes, context.model, feeds, work / "observed.onnx")
            onnx_edits.name_nodes(model)
            files = onnx_files.save(model, path)
            difference = max(
                distance(before, _answer(path, feed, context))
                for before, feed in zip(expected, feeds, strict=True)
            )
        details = onnx_counts(model) | {
            "fixed": fixed | sizes,
            "branches": folded,
            "difference": difference,
        }
        return LocalArtifact("onnx", path, files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: FixInputsParams) -> None:
        """Check that outputs are the same at the fixed values, and the interface kept its names.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed("With the inputs fixed, the graph computes something else.", hint=HINT)
        old, new = (onnx_files.load(artifact.path, weights=False) for artifact in (before, after))
        if (onnx_files.input_names(old), onnx_files.output_names(old)) != (
            onnx_files.input_names(new),
            onnx_files.output_names(new),
        ):
            raise PassFailed("Inputs or outputs changed their names.", hint=HINT)


def stated(model: SourceModel, text: str) -> dict[str, int | float]:
    """Return the value by input that ``sr=16000;flag=1`` states.

    Raises:
        InvalidRequest: An entry is no number, or of an input that does not exist or is not one number.
    """
    specs = {spec.name: spec for spec in model.inputs}
    found: dict[str, int | float] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        name, _, value = (part.strip() for part in entry.rpartition("="))
        if name not in specs or not _is_single(specs[name]):
            single = ", ".join(each for each, spec in specs.items() if _is_single(spec)) or "none"
            raise InvalidRequest(
                f"{name or entry!r} is no input of one number.", hint=f"Inputs of one number: {single}."
            )
        try:
            found[name] = float(value) if specs[name].dtype.startswith("float") else int(value)
        except ValueError as error:
            raise InvalidRequest(
                f"{value!r} is no value for {name}.", hint="Write it as sr=16000."
            ) from error
    return found


def _is_single(spec: TensorSpec) -> bool:
    return all(size == 1 for size in spec.shape)


def _values(context: PassContext, params: FixInputsParams) -> Feed:
    """Return the arrays to fix: the stated ones where the data agrees, else what the data holds.

    Raises:
        PassNotApplicable: The data holds something else, or not one value.
    """
    model, told = context.model, stated(context.model, params.values)
    names = list(told) or [spec.name for spec in model.inputs if spec.compared]
    feeds = list(islice(context.calibration(), LOOKED_AT)) or [example_feed(model, 1, context.seed)]
    specs = {spec.name: spec for spec in model.inputs}
    found: Feed = {}
    for name in names:
        held = sorted({feed[name].reshape(-1)[0].item() for feed in feeds})
        if told and held != [told[name]]:
            listed = ", ".join(str(value) for value in held[:5])
            raise PassNotApplicable(
                f"{name} is to be fixed at {told[name]}, but the data holds {listed}.",
                hint="State the value that the data holds, or give data for this one.",
            )
        if len(held) > 1:
            raise PassNotApplicable(
                f"{name} is not the same throughout the data: it goes from {held[0]} to {held[-1]}.",
                hint=HINT,
            )
        found[name] = np.full(specs[name].resolve(model.symbols), held[0], specs[name].dtype)
    return found


def _answer(path: Path, feed: Feed, context: PassContext) -> list[Array]:
    return onnx_files.run(onnx_files.session(path, context.threads, optimize=False), feed)


def _fix(model: ModelProto, values: Feed) -> None:
    """Let the graph read constants instead of the inputs; these stay, so that callers need not change."""
    from onnx import numpy_helper

    for name, value in values.items():
        constant = f"{name}_fixed"
        rename(model.graph, {name: constant})
        model.graph.initializer.append(numpy_helper.from_array(value, constant))


def _fold(
    model: ModelProto, sizes: str, source: SourceModel, feeds: list[Feed], path: Path
) -> tuple[int, dict[str, str]]:
    """Fold branches in place; return their number, and what sizes had to be fixed for that."""

    def observe(names: list[str]) -> Iterator[list[Array]]:
        onnx_files.save(onnx_edits.with_outputs(model, names), path)
        opened = onnx_files.session(path, optimize=False)
        known = {value.name for value in opened.get_inputs()}
        for feed in feeds:
            yield opened.run(names, {name: array for name, array in feed.items() if name in known})

    count = resolve(model, observe, by_size=False)
    if sizes == "keep" or (sizes == "auto" and not open_branches(model)):
        return count, {}
    fixed = _fix_sizes(model, source)
    return count + resolve(model, observe, by_size=True), fixed


def _fix_sizes(model: ModelProto, source: SourceModel) -> dict[str, str]:
    """Write the example's sizes into the inputs, the batch left free; return those that were free."""
    specs = {spec.name: spec for spec in source.inputs}
    found = {}
    for value in model.graph.input:
        spec = specs[value.name]
        free = {size for size in spec.shape if isinstance(size, str)} - {source.batch_symbol}
        sizes = [source.symbols.get(size, 1) if size in free else size for size in spec.shape]
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for size in sizes:
            shape.dim.add(**{"dim_param" if isinstance(size, str) else "dim_value": size})
        if free:
            found[value.name] = " x ".join(str(size) for size in sizes)
    return found


PASS = FixInputs()
