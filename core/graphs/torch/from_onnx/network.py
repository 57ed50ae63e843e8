"""The network of an ONNX graph: parameters, and a forward pass that torch.export records by operator.

The exported graph is what PyTorch's own layers give: convolutions, linear layers and norms with their weights
as parameters. What exporters compute of shapes stays beside it, so that symbolic sizes stay symbolic.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from core.errors import UnsupportedModel
from core.graphs.onnx import files as onnx_files
from core.graphs.torch.from_onnx import elementwise, layers, recurrent, resize, shapes, sizes
from core.graphs.torch.from_onnx.graph import Graph, Node, read, with_linear_layers
from core.graphs.torch.from_onnx.values import WAY_OUT, Call, Value, as_tensor
from core.protocols import Array
from core.texts import shown

OPERATORS = {
    **elementwise.OPERATORS,
    **layers.OPERATORS,
    **shapes.OPERATORS,
    **recurrent.OPERATORS,
    "Resize": resize.resize,
    "Upsample": resize.resize,
    "Shape": sizes.shape,
    "Size": sizes.size,
}
"""By ONNX operator."""
CONTROL = frozenset({"If", "Constant"})
STATISTICS = (3, 4)
"""Operands of a batch norm that training updates and no gradient does."""
LARGEST_WEIGHT = 1e4
"""What is larger is a mask and nothing to learn."""
LEARNED = frozenset({
    "Conv", "ConvTranspose", "Linear", "Gemm", "MatMul", "BatchNormalization", "InstanceNormalization",
    "LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization", "GroupNormalization", "PRelu",
    "Add", "Mul", "Gather", "Concat", "Expand", "Transpose", "Reshape", "Unsqueeze", "Einsum", "Identity",
    "Slice", "torch.LSTM", "torch.GRU", "torch.RNN",
})  # fmt: skip
"""Operators whose constants are weights; those of others, such as a difference's, are settings."""


class OnnxNetwork(nn.Module):
    """An ONNX graph as a module in eval mode.

    Args:
        graph: With linear and recurrent layers put together.
        inputs: Names in calling order; those that the graph does not have are taken and left unused.
    """

    def __init__(self, graph: Graph, inputs: Sequence[str]) -> None:
        super().__init__()
        self._graph, self._inputs = graph, tuple(inputs)
        self._names: dict[str, str] = {}
        taken = {name for node in graph.walk() for name in node.inputs}
        for name, array in graph.constants.items():
            if name in taken and array.dtype.kind in "fV" and array.size > 1:
                self._hold(name, array)
        self.eval()

    def _hold(self, name: str, array: Array) -> None:
        """Keep a constant as a parameter where it can be learned, else as a buffer."""
        own = re.sub(r"\W", "_", name) or "weight"
        while hasattr(self, own):
            own += "_"
        self._names[name] = own
        if self._learned(name, array):
            self.register_parameter(own, nn.Parameter(as_tensor(array)))
        else:
            self.register_buffer(own, as_tensor(array))

    def _learned(self, name: str, array: Array) -> bool:
        users = [
            (node, at) for node in self._graph.walk() for at, used in enumerate(node.inputs) if used == name
        ]
        statistics = any(node.op == "BatchNormalization" and at in STATISTICS for node, at in users)
        settled = not np.abs(array.astype(np.float32)).max() < LARGEST_WEIGHT
        return all(node.op in LEARNED for node, _ in users) and not statistics and not settled

    def forward(self, *feeds: Tensor) -> Any:
        """Return the outputs in order; a single one is no tuple."""
        known: dict[str, Value] = {**self._graph.constants, **dict(zip(self._inputs, feeds, strict=True))}
        self._run(self._graph, known)
        found = tuple(self._tensor(name, known) for name in self._graph.outputs)
        return found if len(found) > 1 else found[0]

    def _tensor(self, name: str, known: dict[str, Value]) -> Tensor:
        if name not in known:
            raise UnsupportedModel(
                f"The output {shown([name])} is a further result of an operator that has one here.",
                hint=WAY_OUT,
            )
        value, held = known[name], self._held(name)
        return value if isinstance(value, Tensor) else as_tensor(value) if held is None else held

    def _held(self, name: str) -> Tensor | None:
        return getattr(self, self._names[name]) if name in self._names else None

    def _run(self, graph: Graph, known: dict[str, Value]) -> None:
        for node in graph.nodes:
            values = self._branch(node, known) if node.op == "If" else self._call(node, known)
            found = values if isinstance(values, tuple) else (values,)
            known.update(zip(node.outputs, found, strict=False))

    def _call(self, node: Node, known: dict[str, Value]) -> Any:
        missing = [name for name in node.inputs if name and name not in known]
        call = Call(node, tuple(known.get(name) for name in node.inputs), self._held)
        if missing:
            raise call.refusal(f"takes {shown(missing)}, a further result of an operator that has one here")
        if sizes.known(call):
            return sizes.OPERATORS[node.op](call)
        if node.op not in OPERATORS:
            raise call.refusal("returns a size that depends on the values that are fed in")
        return OPERATORS[node.op](call)

    def _branch(self, node: Node, known: dict[str, Value]) -> tuple[Value, ...]:
        """Return what the branch of an If returns whose condition is known beside the graph."""
        chooses = Call(node, (known[node.inputs[0]],), self._held).host(0).reshape(-1)[0]
        branch: Graph = node.attributes["then_branch" if chooses else "else_branch"]
        inner = {**known, **branch.constants}
        self._run(branch, inner)
        return tuple(inner[name] for name in branch.outputs)


def open_onnx(path: Path, inputs: Sequence[str]) -> OnnxNetwork:
    """Return the network of the ONNX file in `path`, in eval mode.

    Its forward takes a tensor for each of `inputs`, in their order.

    Raises:
        UnsupportedModel: It has operators that are not known here; the message names them.
    """
    graph = read(onnx_files.load(path), {*OPERATORS, *CONTROL, *sizes.OPERATORS})
    unknown = {node.op for node in graph.walk()} - {*OPERATORS, *CONTROL, *sizes.OPERATORS}
    if unknown:
        raise UnsupportedModel(
            f"The model has ONNX operators that cannot be converted to PyTorch: {shown(sorted(unknown))}.",
            hint=WAY_OUT,
        )
    made = recurrent.with_recurrent_layers(with_linear_layers(graph))
    return _with_arguments(len(inputs))(made, inputs)


def _with_arguments(count: int) -> type[OnnxNetwork]:
    """Return the class with a forward of `count` arguments by name, as torch.export wants it."""

    def forward(self: OnnxNetwork, *feeds: Tensor) -> Any:
        return OnnxNetwork.forward(self, *feeds)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = ("self", *(f"input_{at}" for at in range(count)))
    forward.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    return type("OnnxNetwork", (OnnxNetwork,), {"forward": forward})
