"""Export to LiteRT (TFLite) with litert-torch, in an environment of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.technique import Kind, NoParams
from core.errors import PassFailed
from core.examples import example_feed
from core.graphs.torch.modules import flatten, load_exported, quiet_torch
from core.passes.checks import differ, differences
from core.passes.library_errors import library
from core.passes.torch_calls import arguments
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch.export import ExportedProgram

TOLERANCE = 1e-3
HINT = "Use ONNX on this model; litert-torch knows fewer operators."


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
    Params = NoParams
    produces: ClassVar[dict[str, str]] = {"pt2": "tflite"}
    converts = True
    toolchain = "litert"
    build_s = (15.0, 3.0)

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Convert, save, and compare the file with the program.

        Raises:
            PassFailed: litert-torch does not know an operator.
        """
        path, batch = context.folder / "model.tflite", context.model.fixed_batch or 1
        with library("litert-torch", context.folder, HINT):
            program, example = load_exported(artifact.path), arguments(context, batch)
            with quiet_torch():
                expected = [each.detach().numpy() for each in flatten(program.module()(*example))]
            _convert(program, example, path)
            found = _answers(path, context, batch)
        details = differences([(expected, found)]) | {"batch": batch}
        return LocalArtifact("tflite", path, (path,), dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that LiteRT computes what the program does.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"On LiteRT {differ(after.details)}.", hint=HINT)


def _convert(program: ExportedProgram, example: tuple[Any, ...], path: Path) -> None:
    import litert_torch

    # As a module: a program itself would be taken with all of its symbolic sizes.
    litert_torch.convert(program.module(), example).export(str(path))


def _answers(path: Path, context: PassContext, batch: int) -> list[Array]:
    """Return the outputs of the file on an example; whole numbers are fed as the narrower ones it takes."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path), num_threads=context.threads).get_signature_runner()
    feed, taken = example_feed(context.model, batch, context.seed), runner.get_input_details()
    named = zip(sorted(taken, key=_position), context.model.inputs, strict=True)
    found = runner(**{name: feed[spec.name].astype(taken[name]["dtype"]) for name, spec in named})
    return [np.asarray(found[name]) for name in sorted(found, key=_position)]


def _position(name: str) -> int:
    """Return the place that the name of an input or output ends in, as in ``args_0``."""
    return int(name.rpartition("_")[2])


PASS = ExportLitert()
