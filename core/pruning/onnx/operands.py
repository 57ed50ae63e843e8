"""An ONNX graph as the dependency rules see it: operands, attributes, and constants to add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from core.protocols import Array
from core.pruning.propagation import Tracer

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


@dataclass
class OnnxGraph:
    """An ONNX graph with its traced channels and known values.

    Attributes:
        known: Values of constants and of small integer tensors on the example.
        other: Shapes at another batch size.
    """

    model: ModelProto
    tracer: Tracer
    known: Mapping[str, Array]
    other: Mapping[str, Sequence[int]]
    made: int = field(default=0)

    def constant(self, values: Sequence[int] | Array) -> str:
        """Add a constant of integers to the graph and return its name."""
        from onnx import numpy_helper

        self.made += 1
        name = f"pruned_constant_{self.made}"
        self.model.graph.initializer.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def is_constant(self, name: str) -> bool:
        """Whether `name` is the same on every input."""
        return name in self.tracer.constants

    def operand(self, node: NodeProto, at: int, attribute: str) -> list[int] | None:
        """Return integers that older operator sets hold as an attribute and newer ones as an input."""
        given = attributes(node).get(attribute)
        if given is not None:
            return [int(value) for value in given]
        name = node.input[at] if at < len(node.input) else ""
        return [int(value) for value in np.ravel(self.known[name])] if name in self.known else None


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return the attributes of `node` by name."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def set_attribute(node: NodeProto, name: str, value: Any) -> None:
    """Set an attribute of `node`, or drop it where `value` is None."""
    from onnx import helper

    for attribute in [attribute for attribute in node.attribute if attribute.name == name]:
        node.attribute.remove(attribute)
    if value is not None:
        node.attribute.append(helper.make_attribute(name, value))
