"""TorchScript files: they record neither shapes nor dtypes of their inputs, so these are found by running."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from core.archives.torch_files import torch_zip_kind
from core.archives.torchscript import check_torchscript
from core.domain.model import Note
from core.errors import UnsupportedModel
from core.protocols import Inspection, InspectOptions
from core.sources.facts import describe
from core.sources.placing import place
from core.sources.probe import settle
from core.sources.script_examples import constants
from core.sources.script_inputs import find_inputs
from core.sources.torch_facts import opened, precision, runner, watch, weight_facts
from core.sources.words import shown
from core.torch_modules import open_script

TENSORS_ONLY = "Wrap the model so that its forward takes tensors only, and script or trace that."


class TorchScriptSource:
    """A module that `torch.jit.save` wrote."""

    id = "torchscript"
    name = "TorchScript"
    order = 30

    def recognizes(self, path: Path) -> bool:
        """Whether the archive is laid out as TorchScript does."""
        return torch_zip_kind(path) == "torchscript"

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the module; loading runs its own code, so this happens in a confined process only.

        Raises:
            CorruptFile: PyTorch cannot load it.
            UnsupportedModel: Its forward takes something else than tensors.
            InputError: It ran on none of the usual inputs.
        """
        check_torchscript(path)
        module = opened(open_script, path, "TorchScript file", "Copy or save it again.")
        names, skipped = _input_names(module)
        run = runner(module, names)
        settled = settle(find_inputs(module, names, run, options), run, options.shapes)
        settled, macs = watch(module, settled)
        parameters, notes = weight_facts(module)
        kept = (place(path, folder / "model.pt"),)
        model = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=parameters or _frozen_weights(module),
            macs=macs,
            precision=precision(module),
            notes=(*_notes(skipped, options), *notes),
        )
        return Inspection(model, kept)


def _input_names(module: Any) -> tuple[list[str], list[str]]:
    """Return the tensors that forward needs, and the optional arguments that are left out."""
    if not hasattr(module, "forward"):
        raise UnsupportedModel("The TorchScript module has no forward method.", hint=TENSORS_ONLY)
    names: list[str] = []
    skipped: list[str] = []
    for argument in module.forward.schema.arguments[1:]:
        if str(argument.type) == "Tensor" and not skipped:
            names.append(argument.name)
        elif argument.has_default_value():
            skipped.append(argument.name)
        else:
            raise UnsupportedModel(
                f"The forward method takes {argument.name!r} of type {argument.type}, not a tensor.",
                hint=TENSORS_ONLY,
            )
    if not names:
        raise UnsupportedModel("The forward method takes no tensor.", hint=TENSORS_ONLY)
    return names, skipped


def _frozen_weights(module: Any) -> int:
    return sum(size for shape in constants(module) if (size := prod(shape)) > 1)


def _notes(skipped: list[str], options: InspectOptions) -> tuple[Note, ...]:
    found = []
    if not options.shapes:
        message = (
            "TorchScript files do not record input shapes; the shown one was found by running the model."
        )
        found.append(Note("model", message, "State an example shape if yours is another."))
    if skipped:
        message = f"The optional arguments {shown(skipped)} are left at their defaults."
        found.append(Note("model", message))
    return tuple(found)


SOURCE = TorchScriptSource()
