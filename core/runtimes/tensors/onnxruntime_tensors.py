"""Values between the layers of an ONNX model, as further outputs of its graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from core.errors import RuntimeFailed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.protocols import Array, Feed, Session, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
COMPUTES_NOTHING = frozenset(
    {QUANTIZE, DEQUANTIZE, "DynamicQuantizeLinear", "Constant", "ConstantOfShape", "Shape", "Size", "Range"}
    | {"Cast", "CastLike", "Identity", "Dropout", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"}
    | {"Slice", "Split", "Expand", "Tile", "Pad"}
)
"""Operators that move or cast values, or only look at sizes: an error does not come from them."""


class OrtTensors:
    """An ONNX model with the values that are watched among its outputs; see `TensorSession`.

    Args:
        model: With its weights.
        opened: Returns a session on a serialized model that runs the outputs of these names.

    Raises:
        RuntimeFailed: It is too large to be changed in memory.
    """

    def __init__(self, model: ModelProto, opened: Callable[[bytes, list[str]], Session]) -> None:
        if model.ByteSize() > onnx_files.SINGLE_FILE_LIMIT:
            raise RuntimeFailed(
                "The model is too large to look at the values between its layers.",
                hint="Compare its outputs, or take a smaller model of the same kind.",
            )
        self._model, self._opened = model, opened
        nodes = list(model.graph.node)
        self._places = _read_at(nodes)
        self.tensors: Sequence[Tensor] = tuple(_tensors(nodes))

    def watch(self, tensors: Sequence[Tensor]) -> None:
        """Load the model with these among its outputs."""
        own = (self._model.graph.node[each.position].output[0] for each in tensors)
        names = [self._places.get(name, name) for name in own]
        watched = onnx_edits.with_outputs(self._model, dict.fromkeys(names))
        self._session = self._opened(watched.SerializeToString(), names)

    def run(self, feed: Feed) -> list[Array]:
        """Return the values of what is watched."""
        return self._session.run(feed)


def _tensors(nodes: Sequence[NodeProto]) -> Iterable[Tensor]:
    """Yield the first output of each layer of the main graph, and what it is made of."""
    origins: dict[str, tuple[int, ...]] = {}
    for position, node in enumerate(nodes):
        read = dict.fromkeys(at for name in node.input for at in origins.get(name, ()))
        if node.op_type in COMPUTES_NOTHING or not node.output:
            origins.update((name, tuple(read)) for name in node.output)
            continue
        origins.update((name, (position,)) for name in node.output)
        name = node.output[0]
        yield Tensor(position, node.name or name, node.op_type, frozenset({name}), tuple(read))


def _read_at(nodes: Sequence[NodeProto]) -> Mapping[str, str]:
    """Return, for values that are only read in 8 bits, the name of what they are in float behind that."""
    users: defaultdict[str, list[NodeProto]] = defaultdict(list)
    for node in nodes:
        for name in node.input:
            users[name].append(node)
    found = {}
    for name, readers in list(users.items()):
        back = [user for reader in readers for user in users[reader.output[0]] if user.op_type == DEQUANTIZE]
        if back and all(reader.op_type == QUANTIZE for reader in readers):
            found[name] = back[0].output[0]
    return found
