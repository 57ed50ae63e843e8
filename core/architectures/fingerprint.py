"""Fingerprinting of model zoos: what writing the tables of torchvision and timm shares."""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.architectures.catalogue import COUNTER
from core.architectures.shape_table import CLASSES, Pattern, below, hash_keys, path_of

if TYPE_CHECKING:
    from torch import nn


def shapes_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Shape by key, batch norm's counters left out."""
    return {k: tuple(v.shape) for k, v in network.state_dict().items() if not k.endswith(COUNTER)}


def bodies(patterns: dict[str, Pattern]) -> dict[str, str]:
    """Hash of the keys that are left when a person takes the head off, by the module that goes.

    That is the last layer, and the whole block that it stands in (VGG's `classifier`).
    """
    heads = [key.rpartition(".")[0] for key, pattern in patterns.items() if CLASSES in pattern]
    modules = {head for head in heads if head} | {head.partition(".")[0] for head in heads}
    if len({head.partition(".")[0] for head in heads}) != 1:
        return {}
    return {
        module: hash_keys(key for key in patterns if not below(key, module))
        for module in sorted(modules, key=len, reverse=True)
        if all(below(f"{head}.", module) for head in heads)
    }


class Nodes:
    """Nodes of the table, equal ones stored once."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self._places: dict[str, int] = {}

    def add(self, patterns: dict[str, Pattern]) -> int:
        """The node number of a whole network."""
        return self._tree([(key.split("."), pattern) for key, pattern in patterns.items()])

    def network(
        self,
        name: str,
        options: dict[str, Any],
        shape: Sequence[int],
        patterns: dict[str, Pattern],
        more: dict[str, Any],
    ) -> dict[str, Any]:
        """The table's line on one network; its tensors become nodes."""
        return {
            "name": name,
            "options": options,
            "keys": hash_keys(patterns),
            "input": list(shape),
            "bodies": bodies(patterns),
            "more": more,
            "root": self.add(patterns),
        }

    def _tree(self, below: list[tuple[list[str], Pattern]]) -> int:
        if len(below) == 1 and not below[0][0]:
            return self._place(json.dumps(below[0][1], separators=(",", ":")))
        children: dict[str, list[tuple[list[str], Pattern]]] = {}
        for path, pattern in below:
            children.setdefault(path[0], []).append((path[1:], pattern))
        node = {name: self._tree(inner) for name, inner in children.items()}
        return self._place(json.dumps(node, separators=(",", ":")))

    def _place(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.items)
            self.items.append(text)
        return self._places[text]


def write_table(library: str, version: str, networks: list[dict[str, Any]], nodes: Nodes) -> None:
    """Write the table of `library`, compressed: one network and one node a line."""
    release = json.dumps(version.partition("+")[0])
    lines = ",\n".join(json.dumps(network) for network in networks), ",\n".join(nodes.items)
    text = f'{{"version": {release},\n"networks": [\n{lines[0]}\n],\n"nodes": [\n{lines[1]}\n]}}\n'
    path_of(library).write_bytes(lzma.compress(text.encode(), preset=9))
