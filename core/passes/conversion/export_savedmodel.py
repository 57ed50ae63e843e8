"""Export to a TensorFlow SavedModel: the program as StableHLO, in a signature with a free batch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel, TensorSpec
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.graphs.torch.modules import flatten, load_exported, quiet_torch
from core.passes.checks import batches, differ, differences
from core.passes.conversion.fixed_sizes import fixed_sizes
from core.passes.library_errors import library
from core.passes.torch_calls import arguments
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch.export import ExportedProgram

TOLERANCE = 1e-3
SIGNATURE = "serving_default"
VERSION = 9
"""Of XlaCallModule, which TensorFlow 2.16 and newer read."""
UNKNOWN = re.compile(r"Lowering not found: ([\w.:]+)")
HINT = "Use ONNX on this model, which TensorFlow's ecosystem reads by converters of its own."


class ExportSavedmodel(Pass):
    """The exported program for one row, lowered by litert-torch, which a TensorFlow function calls for each.

    Lowered with a free batch, litert-torch's StableHLO holds sizes of the example; so the rows are a loop.
    Source: https://github.com/google-ai-edge/litert-torch, backend; TensorFlow's guide to SavedModels.
    """

    id = "export_savedmodel"
    name = "SavedModel"
    summary = "Converts to a SavedModel for TensorFlow Serving, with a free batch; same accuracy."
    learn = Learn(
        does="The network becomes StableHLO in a SavedModel, with a signature that names inputs and "
        "outputs. TensorFlow's own loader runs it and the outputs are compared at two sizes of batch.",
        costs="Nothing in accuracy. Rows of a batch are computed one after the other.",
        choose="When TensorFlow Serving, or a program that loads SavedModels, is in place.",
        expect="The same answers",
    )
    kind = Kind.CONVERSION
    produces: ClassVar[dict[str, str]] = {"pt2": "savedmodel"}
    converts = True
    toolchain = "savedmodel"
    build_s = (40.0, 5.0)
    weights_held = 5.0

    def run(self, context: PassContext, artifact: LocalArtifact, params: Any) -> LocalArtifact:
        """Lower, save, load again, and compare with the program.

        Raises:
            PassNotApplicable: litert-torch does not know an operator.
            PassFailed: It broke on the network.
        """
        folder = context.folder / "model"
        with library("TensorFlow", context.folder, HINT):
            program = load_exported(artifact.path)
            sizes = batches(context) if _looped(context.model) else (context.model.fixed_batch or 1,)
            with quiet_torch():
                expected = [
                    [each.detach().numpy() for each in flatten(program.module()(*arguments(context, size)))]
                    for size in sizes
                ]
            options = _save(
                _lowered(program, arguments(context, sizes[0] if not _looped(context.model) else 1)),
                context.model,
                folder,
            )
            found = [_answers(folder, options, context, size) for size in sizes]
        details = differences(zip(expected, found, strict=True)) | {"batches": list(sizes)}
        files = (folder / "saved_model.pb", *sorted(each for each in folder.rglob("*") if each.is_file()))
        return LocalArtifact(
            "savedmodel",
            files[0],
            tuple(dict.fromkeys(files)),
            {**artifact.options, **options},
            details | fixed_sizes(context.model),
        )

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Any) -> None:
        """Check that TensorFlow computes what the program does.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"In TensorFlow {differ(after.details)}.", hint=HINT)


def _looped(model: SourceModel) -> bool:
    """Whether a free batch is the first axis of all that have it, and of every output."""
    sizes = [spec.shape for spec in (*model.inputs, *model.outputs)]
    first = all(model.batch_symbol not in shape[1:] for shape in sizes)
    outputs = all(spec.shape[:1] == (model.batch_symbol,) for spec in model.outputs)
    return model.fixed_batch is None and model.batch_symbol is not None and first and outputs


def _lowered(program: ExportedProgram, example: tuple[Any, ...]) -> Any:
    """Return the program's StableHLO with its weights as arguments.

    Raises:
        PassNotApplicable: It has an operator without a counterpart.
    """
    import torch
    from litert_torch.backend.export import exported_program_to_mlir

    try:
        # As a module: a program itself would be taken with all of its symbolic sizes.
        fixed = torch.export.export(program.module(), example)
        return exported_program_to_mlir(fixed, inline_constants=False)
    except RuntimeError as error:
        if (unknown := UNKNOWN.search(str(error))) is None:
            raise
        raise PassNotApplicable(f"litert-torch knows no operator {unknown[1]}.", hint=HINT) from error


def _text(lowered: Any) -> str:
    from litert_converter.mlir import passmanager

    with lowered.ctx:
        manager = passmanager.PassManager.parse("builtin.module(inline, cse, canonicalize, cse)")
        manager.run(lowered.module.operation)
    text = str(lowered.module.operation.get_asm()).replace("arith.constant", "stablehlo.constant")
    if "custom_call" in text:
        raise PassNotApplicable("The network needs code of its own in TensorFlow.", hint=HINT)
    return text


def _save(lowered: Any, model: SourceModel, folder: Path) -> dict[str, Any]:
    """Write the SavedModel, and return the names of the signature, in the model's order."""
    text = _text(lowered)
    # After what lowers: the other way around their native libraries crash.
    import tensorflow as tf
    from tensorflow.compiler.tf2xla.python import xla

    names = {"inputs": _names(model.inputs), "outputs": _names(model.outputs)}
    module, loops = tf.Module(), _looped(model)
    parameters = [each.input_spec for each in lowered.input_signature]
    module.weights = [
        tf.Variable(lowered.state_dict[each.name].detach().numpy(), trainable=False)
        for each in parameters
        if each.is_parameter
    ]
    given = {each.input_spec.i: each for each in lowered.input_signature if each.input_spec.is_user_input}
    types = {
        index: tf.dtypes.as_dtype(str(each.dtype).removeprefix("torch.")) for index, each in given.items()
    }
    made = [
        tf.TensorSpec(list(each.shape), str(each.dtype).removeprefix("torch."))
        for each in lowered.output_signature
    ]
    rowwise = [loops and spec.shape[:1] == (model.batch_symbol,) for spec in model.inputs]

    def call(values: Sequence[Any]) -> list[Any]:
        weights = iter(module.weights)
        every = [values[each.i] if each.is_user_input else next(weights) for each in parameters]
        return list(
            xla.call_module(
                tuple(every),
                version=min(VERSION, xla.call_module_maximum_supported_version()),
                Tout=[each.dtype for each in made],
                Sout=[each.shape.as_list() for each in made],
                function_list=[],
                module=text,
                has_token_input_output=False,
                platforms=["CPU"],
            )
        )

    def rows(*values: Any) -> dict[str, Any]:
        if not loops:
            return dict(zip(names["outputs"], call(values), strict=True))

        def one(row: Sequence[Any]) -> list[Any]:
            taken = iter(row)
            full = [next(taken)[None] if each else value for each, value in zip(rowwise, values, strict=True)]
            return [each[0] for each in call(full)]

        looped = [value for each, value in zip(rowwise, values, strict=True) if each]
        kinds = [tf.TensorSpec(each.shape[1:], each.dtype) for each in made]
        return dict(zip(names["outputs"], tf.map_fn(one, looped, fn_output_signature=kinds), strict=True))

    signature = [
        tf.TensorSpec([None, *given[at].shape[1:]] if rowwise[at] else list(given[at].shape), types[at], name)
        for at, name in enumerate(names["inputs"])
    ]
    function = tf.function(rows, input_signature=signature, autograph=False)
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: function})
    return names


def _names(specs: Sequence[TensorSpec]) -> list[str]:
    """Return names that a signature may hold, one for each input or output."""
    found = [re.sub(r"\W", "_", spec.name, flags=re.ASCII) for spec in specs]
    plain = [each if each[:1].isalpha() else f"t_{each}" for each in found]
    return plain if len(set(plain)) == len(plain) else [f"{each}_{at}" for at, each in enumerate(plain)]


def _answers(folder: Path, names: Mapping[str, Any], context: PassContext, batch: int) -> list[Array]:
    """Return the outputs of the SavedModel on an example, by TensorFlow's own loader."""
    import tensorflow as tf

    call = tf.saved_model.load(str(folder)).signatures[SIGNATURE]
    feed = example_feed(context.model, batch, context.seed)
    given = {name: tf.constant(each) for name, each in zip(names["inputs"], feed.values(), strict=True)}
    found = call(**given)
    return [found[name].numpy() for name in names["outputs"]]


PASS = ExportSavedmodel()
