"""TorchScript files: they record neither shapes nor dtypes of their inputs, so these are found by running."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from core.archives.hard_links import link_or_copy
from core.archives.torch_files import torch_zip_kind
from core.archives.torchscript import check_torchscript
from core.domain.model import Note
from core.errors import InputError, InvalidRequest, UnsupportedModel
from core.graphs.torch.modules import open_script
from core.protocols import Inspection, InspectOptions
from core.sources.description import describe
from core.sources.probe import Specs, settle
from core.sources.torch.forward_pass import opened, precision, runner, watch, weight_facts
from core.sources.torch.script_constants import Fixable, Value, can_be_fixed, fix, fixable, note
from core.sources.torch.script_examples import constants
from core.sources.torch.script_inputs import find_inputs
from core.texts import shown

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
        names, skipped, types = _arguments(module)
        constants, options = fixable(types, options)
        module, values, inputs = _opened(module, names, constants, options)
        settled = settle(inputs, runner(module, names), options.shapes)
        settled, macs = watch(module, settled)
        parameters, notes = weight_facts(module)
        kept = (_keep(module, path, folder / "model.pt", bool(values)),)
        model = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=parameters or _frozen_weights(module),
            macs=macs,
            precision=precision(module),
            notes=(*_notes(skipped, options), *note(values), *notes),
        )
        return Inspection(model, kept)


def _opened(
    module: Any, names: list[str], constants: Fixable, options: InspectOptions
) -> tuple[Any, dict[str, Value], Specs]:
    """Return the module with its constants fixed at values that it runs with, these, and its inputs.

    Raises:
        InputError: It ran on none of the usual inputs.
    """
    if not constants.types:
        return module, {}, find_inputs(module, names, runner(module, names), options)
    first: InputError | None = None
    for values in constants.values():
        fixed = fix(module, names, values)
        try:
            return fixed, values, find_inputs(fixed, names, runner(fixed, names), options)
        except InvalidRequest:
            raise
        except InputError as error:
            first = first or error
    raise first or UnsupportedModel("The forward method cannot be called.", hint=TENSORS_ONLY)


def _keep(module: Any, path: Path, target: Path, changed: bool) -> Path:
    if not changed:
        return link_or_copy(path, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    module.save(str(target))
    return target


def _arguments(module: Any) -> tuple[list[str], list[str], dict[str, str]]:
    """Return the tensors that forward needs, the optional arguments left out, and the types of the rest."""
    if not hasattr(module, "forward"):
        raise UnsupportedModel("The TorchScript module has no forward method.", hint=TENSORS_ONLY)
    names: list[str] = []
    skipped: list[str] = []
    types: dict[str, str] = {}
    for argument in module.forward.schema.arguments[1:]:
        if str(argument.type) == "Tensor" and not skipped:
            names.append(argument.name)
        elif argument.has_default_value():
            skipped.append(argument.name)
        elif can_be_fixed(str(argument.type)):
            types[argument.name] = str(argument.type)
        else:
            raise UnsupportedModel(
                f"The forward method takes {argument.name!r} of type {argument.type}, not a tensor.",
                hint=TENSORS_ONLY,
            )
    if not names:
        raise UnsupportedModel("The forward method takes no tensor.", hint=TENSORS_ONLY)
    return names, skipped, types


def _frozen_weights(module: Any) -> int:
    return sum(size for shape in constants(module) if (size := prod(shape)) > 1)


def _notes(skipped: list[str], options: InspectOptions) -> tuple[Note, ...]:
    found = []
    if not options.shapes:
        message = (
            "TorchScript files do not record input shapes; the shown one was found by running the model."
        )
        found.append(Note(message, "State an example shape if yours is another."))
    if skipped:
        message = f"The optional arguments {shown(skipped)} are left at their defaults."
        found.append(Note(message))
    return tuple(found)


SOURCE = TorchScriptSource()
