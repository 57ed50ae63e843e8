"""torch.export archives (.pt2): inputs and dynamic shapes come from the graph itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.archives.programs import check_pt2
from core.archives.torch_files import torch_zip_kind
from core.domain.model import Note, TensorSpec
from core.errors import UnsupportedModel
from core.graphs.torch.modules import exported_module, training_operators
from core.protocols import Inspection, InspectOptions
from core.sources.description import describe
from core.sources.probe import settle
from core.sources.torch import pt2_call
from core.sources.torch.forward_pass import opened, precision, runner, watch, weight_facts

if TYPE_CHECKING:
    from torch.export import ExportedProgram

AGAIN = "Save it again with torch.export.save; files of much newer or older releases may not load."


class Pt2Source:
    """A program that `torch.export.save` wrote."""

    id = "pt2"
    name = "torch.export (.pt2)"
    order = 20

    def recognizes(self, path: Path) -> bool:
        """Whether the archive is laid out as torch.export does."""
        return torch_zip_kind(path) == "pt2"

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the program; it is loaded, so this runs in a confined process only.

        Raises:
            UnsafeUpload: The archive holds pickled payloads or native code.
            CorruptFile: It cannot be loaded.
            UnsupportedModel: An input is neither a tensor nor a fixed value.
        """
        check_pt2(path)
        called = pt2_call.by_position(opened(pt2_call.load, path, "exported program", AGAIN))
        program = called.program
        signature = read_signature(program)
        module = exported_module(program)
        run = runner(module, [spec.name for spec in signature.inputs])
        settled = settle(
            signature.inputs, run, options.shapes, bounds=signature.bounds, declared=signature.declared
        )
        settled, macs = watch(module, settled)
        parameters, notes = weight_facts(module)
        kept = (called.keep(path, folder / "model.pt2"),)
        model = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=parameters,
            macs=macs,
            precision=precision(module),
            notes=(*_mode_notes(program), *called.notes, *notes),
        )
        return Inspection(model, kept)


@dataclass(frozen=True)
class Signature:
    """Inputs of a program, the smallest and largest size of each symbol, and the recorded output shapes."""

    inputs: tuple[TensorSpec, ...]
    bounds: dict[str, tuple[int, int | None]]
    declared: tuple[tuple[int | str | None, ...], ...]


def read_signature(program: ExportedProgram) -> Signature:
    """Return the user inputs of a program.

    Raises:
        UnsupportedModel: An input is of a type that NumPy cannot hold, or there is none.
    """
    found = [_tensor_input(program, argument) for argument in _user_arguments(program)]
    if not found:
        raise UnsupportedModel("The exported program takes no tensor.", hint=pt2_call.WRAP)
    raw = tuple(found)
    bounds = _bounds(program)
    declared = tuple(_shape(value) for value in _output_values(program))
    names = _friendly(raw)
    raw = tuple(replace(spec, shape=_translate(spec.shape, names)) for spec in raw)
    bounds = {names.get(symbol, symbol): allowed for symbol, allowed in bounds.items()}
    return Signature(raw, bounds, tuple(_translate(shape, names) for shape in declared))


def _user_arguments(program: ExportedProgram) -> Iterator[Any]:
    from torch.export.graph_signature import InputKind

    return (spec.arg for spec in program.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT)


def _tensor_input(program: ExportedProgram, argument: Any) -> TensorSpec:
    value = next(node.meta["val"] for node in program.graph.nodes if node.name == argument.name)
    dtype = str(value.dtype).removeprefix("torch.")
    if dtype == "bfloat16" or dtype.startswith(("complex", "float8")):
        raise UnsupportedModel(
            f"The input {argument.name!r} is of type {dtype}, which cannot be fed from NumPy.",
            hint="Export the model with float32 inputs and cast inside.",
        )
    return TensorSpec(argument.name, dtype, tuple(size for size in _shape(value) if size is not None))


def _shape(value: Any) -> tuple[int | str | None, ...]:
    return tuple(size if isinstance(size, int) else str(size) for size in getattr(value, "shape", ()))


def _output_values(program: ExportedProgram) -> list[Any]:
    output = next(node for node in program.graph.nodes if node.op == "output")
    names = set(program.graph_signature.user_outputs)
    return [node.meta["val"] for node in output.args[0] if getattr(node, "name", None) in names]


def _bounds(program: ExportedProgram) -> dict[str, tuple[int, int | None]]:
    found: dict[str, tuple[int, int | None]] = {}
    for symbol, allowed in program.range_constraints.items():
        lower, upper = str(allowed.lower), str(allowed.upper)
        found[str(symbol)] = (int(lower) if lower.isdigit() else 0, int(upper) if upper.isdigit() else None)
    return found


def _friendly(inputs: tuple[TensorSpec, ...]) -> dict[str, str]:
    """Return names for symbols such as ``s77``: ``batch``, or the input and axis that they first stand on."""
    names = dict.fromkeys(_batches(inputs), "batch")
    for spec in inputs:
        for axis, size in enumerate(spec.shape):
            if isinstance(size, str) and size.isidentifier():
                names.setdefault(size, f"{spec.name}_dim{axis}")
    return names


def _batches(inputs: tuple[TensorSpec, ...]) -> list[str]:
    """Return the symbol of the batch, and those that stand for it in inputs of the same length.

    A mask is only ever broadcast against its ids, so an export gives its batch a symbol of its own.
    """
    fronts = [
        (size, {other for other in spec.shape[1:] if isinstance(other, str)})
        for spec in inputs
        for size in spec.shape[:1]
        if len(spec.shape) > 1 and isinstance(size, str) and size.isidentifier()
    ]
    free = fronts[0][1] if fronts else set()
    return [size for index, (size, others) in enumerate(fronts) if not index or others & free]


def _translate(shape: tuple[Any, ...], names: Mapping[str, str]) -> tuple[Any, ...]:
    """Return `shape` with new symbol names, those inside expressions such as ``2*s7`` too."""
    return tuple(
        re.sub(r"\bs\d+\b", lambda found: names.get(found[0], found[0]), size)
        if isinstance(size, str)
        else size
        for size in shape
    )


def _mode_notes(program: ExportedProgram) -> tuple[Note, ...]:
    """Return a note where the program was exported while training."""
    count = len(training_operators(program.graph))
    if not count:
        return ()
    message = f"The program was exported in training mode: {count} dropout or batch norm operators"
    return (Note(message + " were switched over.", "Call model.eval() before torch.export.export."),)


SOURCE = Pt2Source()
