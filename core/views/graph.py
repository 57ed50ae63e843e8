"""The graph of a model, its layers grouped by module so that no group is too wide to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.structure import Layer, Structure

WIDEST = 40
"""Layers and modules that one module holds directly; more are put together by their order."""
TOP = -1


@dataclass(frozen=True)
class Module:
    """A group of layers and of other modules.

    Attributes:
        name: What the graph calls it, or which layers of the one around it are meant.
        parent: Position of the module that it lies in, `TOP` for none.
    """

    name: str
    parent: int


@dataclass(frozen=True)
class GraphView:
    """A graph with its groups.

    Attributes:
        modules: Each after the one that it lies in.
        layers: As the structure has them.
        inside: Position of the module that each layer lies in, `TOP` for none.
        names: Of the layers, with the module of those that are alone in one.
    """

    modules: tuple[Module, ...]
    layers: tuple[Layer, ...]
    inside: tuple[int, ...]
    names: tuple[str, ...]


def graph_view(structure: Structure) -> GraphView:
    """Return the layers in their modules.

    A module around a single part is put together with it, and one that holds more than `WIDEST` parts gets
    groups of consecutive parts.
    """
    tree = _Tree()
    for position, layer in enumerate(structure.layers):
        tree.add(position, layer.module)
    modules: list[Module] = []
    inside = [TOP] * len(structure.layers)
    names = [each.name or each.operator for each in structure.layers]
    waiting: list[tuple[_Tree, int]] = [(tree, TOP)]
    while waiting:
        group, parent = waiting.pop()
        for part in _narrowed(group.parts):
            if isinstance(part, int):
                inside[part] = parent
                continue
            module = part.joined()
            if (only := module.only) is not None:
                inside[only] = parent
                names[only] = f"{module.name}: {names[only]}"
            else:
                waiting.append((module, len(modules)))
                modules.append(Module(module.name, parent))
    return GraphView(tuple(modules), structure.layers, tuple(inside), tuple(names))


class _Tree:
    """A module with its parts, layers by position and modules, in the order in which they come."""

    def __init__(self, name: str = "", parts: Sequence[int | _Tree] = ()) -> None:
        self.name = name
        self.parts: list[int | _Tree] = list(parts)
        self._known: dict[str, _Tree] = {}

    def add(self, position: int, module: Sequence[str]) -> None:
        """Put a layer in, below the modules of these names."""
        here = self
        for name in module:
            if name not in here._known:
                here._known[name] = _Tree(name)
                here.parts.append(here._known[name])
            here = here._known[name]
        here.parts.append(position)

    def joined(self) -> _Tree:
        """Return this module; where it holds nothing but another one, that under both names."""
        here, names = self, [self.name]
        while len(here.parts) == 1 and isinstance(here.parts[0], _Tree):
            here = here.parts[0]
            names.append(here.name)
        here.name = ".".join(names)
        return here

    @property
    def only(self) -> int | None:
        """Position of its only part where that is a layer."""
        alone = self.parts[0] if len(self.parts) == 1 else None
        return alone if isinstance(alone, int) else None

    @property
    def first(self) -> int:
        """Position of its first layer."""
        return _first(self.parts[0])

    @property
    def last(self) -> int:
        """Position of its last layer."""
        part = self.parts[-1]
        return part if isinstance(part, int) else part.last


def _first(part: int | _Tree) -> int:
    return part if isinstance(part, int) else part.first


def _narrowed(parts: Sequence[int | _Tree]) -> Sequence[int | _Tree]:
    """Return `parts`, put together in groups as long as there are too many."""
    while len(parts) > WIDEST:
        groups = [_Tree("", parts[at : at + WIDEST]) for at in range(0, len(parts), WIDEST)]
        for group in groups:
            group.name = f"layers {group.first + 1}–{group.last + 1}"
        parts = groups
    return parts


def sizes(layer: Layer) -> str:
    """Return the output shape of a layer such as ``1 × 64 × 56 × 56``, empty where it is not known."""
    return " × ".join(map(str, layer.shape)) if layer.shape is not None else ""


def drawing(view: GraphView, times: Mapping[str, float] | None = None) -> dict[str, object]:
    """Return the graph in plain lists, for the component that draws it.

    Args:
        view: The graph.
        times: Milliseconds of a layer in a profile of the baseline, by name.
    """
    measures = [("parameters", "")]
    columns: list[list[float | int]] = [[each.parameters for each in view.layers]]
    if any(each.macs for each in view.layers):
        measures.append(("MACs", ""))
        columns.append([each.macs or 0 for each in view.layers])
    if times:
        measures.append(("time", "ms"))
        columns.append([times.get(each.name, 0.0) for each in view.layers])
    rows = zip(view.layers, view.names, view.inside, *columns, strict=True)
    return {
        "modules": [(each.name, each.parent) for each in view.modules],
        "layers": [
            (name, layer.operator, parent, sizes(layer), layer.inputs, *values)
            for layer, name, parent, *values in rows
        ],
        "measures": measures,
    }
