"""Flattened call of exported programs: tensors by position, whatever the pytree.

Hugging Face's models are exported with keyword arguments and return classes of their own; others take lists,
dicts, None or plain numbers. Everything downstream feeds one tensor per input, so such a program is written
again with its graph as it is and another description of the call.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.archives.hard_links import link_or_copy
from core.archives.treespecs import type_names
from core.domain.model import Note
from core.errors import UnsupportedModel
from core.graphs.torch.modules import load_exported

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.utils._pytree import TreeSpec

WRAP = "Wrap the model so that its forward takes tensors only, and export that."


class _Unknown(tuple[Any, ...]):
    """Stands for a container class whose library is not here; each gets a subclass of its own."""

    __slots__ = ()


@dataclass(frozen=True)
class Positional:
    """A program that takes its tensors by position.

    Attributes:
        changed: Whether the uploaded file wants to be called in another way.
        notes: Values that were fixed at the export.
    """

    program: ExportedProgram
    changed: bool
    notes: tuple[Note, ...] = ()

    def keep(self, path: Path, target: Path) -> Path:
        """Put the program at `target`: the uploaded file at `path` itself where it is called so already."""
        import torch

        if not self.changed:
            return link_or_copy(path, target)
        torch.export.save(self.program, str(target))
        return target


def load(path: Path) -> ExportedProgram:
    """Return the program of a checked archive, whatever classes its inputs and outputs are nested in."""
    _stand_in(type_names(path))
    return load_exported(path)


def by_position(program: ExportedProgram) -> Positional:
    """Return `program`, changed in place where it takes its tensors in another way.

    Raises:
        UnsupportedModel: An input is neither a tensor nor a fixed value.
    """
    from torch.utils import _pytree

    signature = program.module_call_graph[0].signature
    fixed = _fixed_values(program)
    names = [spec.arg.name for spec in _user_inputs(program) if spec.arg.name not in fixed]
    plain = _pytree.tree_structure((tuple(names), {}))
    returned = _known(signature.out_spec)
    if not fixed and signature.in_spec == plain and returned == signature.out_spec:
        return Positional(program, changed=False)
    _drop(program, fixed)
    signature.in_spec, signature.out_spec, signature.forward_arg_names = plain, returned, names
    program._example_inputs = None  # they are nested as before
    return Positional(program, True, _notes(fixed))


def _user_inputs(program: ExportedProgram) -> list[Any]:
    from torch.export.graph_signature import InputKind

    return [spec for spec in program.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT]


def _fixed_values(program: ExportedProgram) -> dict[str, object]:
    """Return numbers and None that were recorded as constants, by the name of their input."""
    from torch.export.graph_signature import ConstantArgument, TensorArgument

    fixed: dict[str, object] = {}
    for spec in _user_inputs(program):
        if isinstance(spec.arg, ConstantArgument):
            fixed[spec.arg.name] = spec.arg.value
        elif not isinstance(spec.arg, TensorArgument):
            raise UnsupportedModel(
                f"The input {spec.arg.name!r} of the exported program is a number that may change, "
                "not a tensor.",
                hint=WRAP,
            )
    return fixed


def _drop(program: ExportedProgram, fixed: dict[str, object]) -> None:
    """Put the recorded values in place of inputs that are no tensors."""
    from torch.fx.node import map_arg

    for node in program.graph.find_nodes(op="placeholder"):
        if node.name not in fixed:
            continue
        put = functools.partial(_replaced, node, fixed[node.name])
        for user in list(node.users):
            user.args, user.kwargs = map_arg(user.args, put), map_arg(user.kwargs, put)
        program.graph.erase_node(node)
    specs = program.graph_signature.input_specs
    specs[:] = [spec for spec in specs if getattr(spec.arg, "name", None) not in fixed]
    program.graph_module.recompile()


def _replaced(old: object, new: object, each: object) -> Any:
    return new if each is old else each


def _notes(fixed: dict[str, object]) -> tuple[Note, ...]:
    given = {name: value for name, value in fixed.items() if value is not None}
    if not given:
        return ()
    values = ", ".join(f"{name} = {value}" for name, value in given.items())
    return (Note(f"Fixed when the program was exported: {values}.", "Export it again to change it."),)


def _known(spec: TreeSpec) -> TreeSpec:
    """Return `spec` with dicts for containers of unknown classes that have names for their members."""
    from torch.utils._pytree import TreeSpec

    children = [_known(child) for child in spec.children()]
    kinds = [kind for kind in (spec.type, spec.context) if isinstance(kind, type)]
    if not any(issubclass(kind, _Unknown) for kind in kinds):
        return spec if children == list(spec.children()) else TreeSpec(spec.type, spec.context, children)
    keys = _keys(spec.context, len(children))
    return TreeSpec(tuple, None, children) if keys is None else TreeSpec(dict, keys, children)


def _keys(context: object, members: int) -> list[str] | None:
    """Return names of members: output classes write a list of them, dataclasses that and a list of Nones."""
    found = context[0] if isinstance(context, list) and context and isinstance(context[0], list) else context
    if isinstance(found, list) and len(found) == members and all(isinstance(key, str) for key in found):
        return found
    return None


def _stand_in(names: set[str]) -> None:
    """Let PyTorch read containers of classes that it does not know; nothing is imported for them."""
    from torch.utils import _pytree

    for name in names - set(_pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE):
        _pytree.register_pytree_node(
            type("Unknown", (_Unknown,), {}),
            lambda members: (list(members), None),
            lambda members, _: tuple(members),
            serialized_type_name=name,
            to_dumpable_context=json.dumps,
            from_dumpable_context=json.loads,
        )
