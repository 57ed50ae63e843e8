"""Export to LiteRT (TFLite) with litert-torch, in an environment of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed, is_picture
from core.graphs.tflite.interpreter import CHANNELS_LAST, Runner, in_layout, open_file
from core.graphs.torch.modules import flatten, load_exported, quiet_torch
from core.params import setting
from core.passes.checks import differ, differences
from core.passes.library_errors import library
from core.passes.toolchain_ready import toolchain_ready
from core.passes.torch_calls import arguments
from core.protocols import Array, Idea, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch.export import ExportedProgram

TOLERANCE = 1e-3
UNKNOWN = re.compile(r"Lowering not found: ([\w.:]+)")
"""How litert-torch says that an operator has no counterpart."""
HINT = "Use ONNX on this model; litert-torch knows fewer operators."


@dataclass(frozen=True)
class ExportLitertParams:
    """How the file is called."""

    channels_last: bool = setting(
        False,
        "Channels last",
        help="Pictures go in as (batch, height, width, channels), as cameras deliver them. The runtime here "
        "and the kit turn them around by themselves.",
        words={True: "channels last"},
    )


class ExportLitert(Pass):
    """The exported program at a fixed batch, lowered by litert-torch and compared in LiteRT's interpreter."""

    id = "export_litert"
    name = "LiteRT"
    summary = "Converts to LiteRT (TFLite) for phones and small boards, for one batch size; same accuracy."
    learn = Learn(
        does="The network becomes a LiteRT (TFLite) file for one batch size, and is compared in LiteRT's "
        "interpreter.",
        costs="Nothing in accuracy. The batch is fixed, and some operators have no counterpart.",
        choose="For phones and small boards.",
        expect="The same answers; how fast depends on the device",
    )
    kind = Kind.CONVERSION
    Params = ExportLitertParams
    version = 2
    produces: ClassVar[dict[str, str]] = {"pt2": "tflite"}
    converts = True
    bridges = True
    toolchain = "litert"
    build_s = (15.0, 3.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the bare conversion, where the environment is there: small networks are fast in it."""
        return (Idea(2, 285, "litert"),) if toolchain_ready(self.toolchain) else ()

    def run(self, context: PassContext, artifact: LocalArtifact, params: ExportLitertParams) -> LocalArtifact:
        """Convert, save, and compare the file with the program.

        Raises:
            PassNotApplicable: litert-torch does not know an operator, or no input is a picture whose channels
                could be last.
            PassFailed: It broke on the network.
        """
        path, batch = context.folder / "model.tflite", context.model.fixed_batch or 1
        options = dict(artifact.options) | (_last(context) if params.channels_last else {})
        with library("litert-torch", context.folder, HINT):
            program, example = load_exported(artifact.path), arguments(context, batch)
            with quiet_torch():
                expected = [each.detach().numpy() for each in flatten(program.module()(*example))]
            _convert(program, example, path, options.get(CHANNELS_LAST, []))
            found = _answers(path, context, batch, options)
        details = differences([(expected, found)]) | {"batch": batch}
        return LocalArtifact("tflite", path, (path,), options, details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportLitertParams) -> None:
        """Check that LiteRT computes what the program does.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"On LiteRT {differ(after.details)}.", hint=HINT)


def _last(context: PassContext) -> dict[str, list[int]]:
    """Return the option that names the inputs that are pictures.

    Raises:
        PassNotApplicable: None is.
    """
    shapes = context.model.shapes()
    found = [at for at, spec in enumerate(context.model.inputs) if is_picture(spec, shapes[spec.name])]
    pictures = [at for at in found if shapes[context.model.inputs[at].name][1] in (1, 3)]
    if not pictures:
        raise PassNotApplicable(
            "No input is a picture with its channels first.", hint="Leave the inputs in their own layout."
        )
    return {CHANNELS_LAST: pictures}


def _convert(program: ExportedProgram, example: tuple[Any, ...], path: Path, last: list[int]) -> None:
    import litert_torch

    # As a module: a program itself would be taken with all of its symbolic sizes.
    module = program.module()
    if last:
        module = litert_torch.to_channel_last_io(module, args=last)
        example = tuple(each.movedim(1, -1) if at in last else each for at, each in enumerate(example))
    try:
        litert_torch.convert(module, example).export(str(path))
    except RuntimeError as error:
        if (unknown := UNKNOWN.search(str(error))) is None:
            raise
        raise PassNotApplicable(f"litert-torch knows no operator {unknown[1]}.", hint=HINT) from error


def _answers(path: Path, context: PassContext, batch: int, options: dict[str, Any]) -> list[Array]:
    """Return the outputs of the file on an example; whole numbers are fed as the narrower ones it takes."""
    runner = Runner(open_file(path, context.threads))
    feed = example_feed(context.model, batch, context.seed)
    return runner.run(runner.of(in_layout(list(feed.values()), options)))


PASS = ExportLitert()
