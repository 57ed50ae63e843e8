"""What operators are called with: tensors on the graph, and sizes and settings beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import SymFloat, SymInt, Tensor

from core.errors import UnsupportedModel
from core.graphs.torch.from_onnx.graph import Node
from core.protocols import Array

WAY_OUT = (
    "Upload the network itself as a .pt2 file or a state dict, or use techniques that work on ONNX files."
)

Value = Tensor | Array
"""A tensor of the network, or an array that is known while the graph is recorded: constants, and sizes (of
dtype object where some are symbolic)."""


@dataclass(frozen=True)
class Call:
    """One operator with its operands.

    Attributes:
        node: The operator.
        values: Its operands; None for those that are left out.
        held: Returns the parameter or buffer of a constant's name, or None.
    """

    node: Node
    values: tuple[Value | None, ...]
    held: Callable[[str], Tensor | None]

    def given(self, at: int) -> bool:
        """Whether there is such an operand."""
        return at < len(self.values) and self.values[at] is not None

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.node.attributes.get(name, default)

    def tensor(self, at: int) -> Tensor:
        """Return an operand as a tensor."""
        value = self.values[at]
        if value is None:
            raise self.refusal(f"lacks its operand {at + 1}")
        if isinstance(value, Tensor):
            return value
        found = self.held(self.node.inputs[at])
        return as_tensor(value) if found is None else found

    def optional(self, at: int) -> Tensor | None:
        """Return an operand as a tensor, None where it is left out."""
        return self.tensor(at) if self.given(at) else None

    def host(self, at: int) -> Array:
        """Return an operand that has to be known when the graph is recorded.

        Raises:
            UnsupportedModel: It depends on what is fed in.
        """
        value = self.values[at]
        if not isinstance(value, np.ndarray):
            raise self.refusal("takes a size or a setting that depends on the values that are fed in")
        return value

    def setting(self, at: int, name: str, default: Any = None) -> Any:
        """Return a list or number that was an attribute once and is an operand in newer operator sets."""
        return self.host(at).tolist() if self.given(at) else self.attribute(name, default)

    def scalar(self, at: int) -> Any:
        """Return an operand as a plain number where it is a single one, else as a tensor.

        PyTorch then records ``x * 2.0`` and no tensor of one element.
        """
        value, others = self.values[at], [each for each in self.values if isinstance(each, Tensor)]
        if isinstance(value, np.ndarray) and value.size == 1 and self.held(self.node.inputs[at]) is None:
            ranks = [each.ndim for each in others]
            if ranks and value.ndim <= max(ranks):
                return value.item() if value.dtype != object else value.reshape(-1)[0]
        return self.tensor(at)

    def refusal(self, why: str) -> UnsupportedModel:
        """Return the error that says what this operator does that cannot be converted."""
        return UnsupportedModel(f"The ONNX operator {self.node.op} {why}.", hint=WAY_OUT)


def as_tensor(value: Array) -> Tensor:
    """Return a host value as a tensor; symbolic sizes stay symbolic."""
    if value.dtype == object:
        numbers = [torch.scalar_tensor(each, dtype=_dtype(each)) for each in value.reshape(-1)]
        return torch.stack(numbers).reshape(value.shape) if value.ndim else numbers[0]
    if value.dtype.name == "bfloat16":
        return torch.from_numpy(value.view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(np.array(value))


def _dtype(number: Any) -> torch.dtype:
    if isinstance(number, (float, SymFloat)):
        return torch.float32
    return torch.bool if isinstance(number, bool) else torch.int64


def as_host(numbers: Any) -> Array:
    """Return sizes as a host value, of dtype int64 where none is symbolic."""
    sizes = list(numbers)
    symbolic = any(isinstance(size, (SymInt, SymFloat)) for size in sizes)
    found = np.empty(len(sizes), object if symbolic else np.int64)
    found[:] = sizes
    return found
