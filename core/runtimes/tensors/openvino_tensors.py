"""Values between the layers of an OpenVINO model, as further results of its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.protocols import Array, Feed, Session, Tensor

FAKE, CONVERT = "FakeQuantize", "Convert"
COMPUTES_NOTHING = frozenset(
    {FAKE, CONVERT, "ConvertLike", "Parameter", "Constant", "Result", "ShapeOf", "Range", "Reshape"}
    | {"Transpose", "Squeeze", "Unsqueeze", "StridedSlice", "Slice", "Split", "VariadicSplit", "Broadcast"}
    | {"Tile", "Pad", "Gather", "Concat"}
)
"""Operators that move or cast values, or only look at sizes: an error does not come from them.

Gather is an embedding now and then; it then reads weights alone, and what reads it shows its error.
"""
SPLIT = "/WithoutBiases"
"""What reading an ONNX file appends to the name of a node that it takes apart: its bias follows."""


class OpenVinoTensors:
    """An OpenVINO model with the values that are watched among its results; see `TensorSession`.

    Args:
        read: Returns the model, read anew.
        opened: Returns a session on a model.
    """

    def __init__(self, read: Callable[[], Any], opened: Callable[[Any], Session]) -> None:
        self._read, self._opened = read, opened
        self.tensors: Sequence[Tensor] = tuple(_tensors(read().get_ordered_ops()))

    def watch(self, tensors: Sequence[Tensor]) -> None:
        """Compile the model with these among its results."""
        model = self._read()
        nodes = model.get_ordered_ops()
        ports = [_behind(nodes[each.position].output(0)) for each in tensors]
        # What is a result already is not added again.
        results = [model.add_outputs(port)[0] for port in ports]
        self._places = [model.get_result_index(each) for each in results]
        self._session = self._opened(model)

    def run(self, feed: Feed) -> list[Array]:
        """Return the values of what is watched."""
        found = self._session.run(feed)
        return [found[place] for place in self._places]


def _tensors(nodes: Sequence[Any]) -> Iterable[Tensor]:
    """Yield the first output of each layer, and what it is made of."""
    origins: dict[str, tuple[int, ...]] = {}
    for position, node in enumerate(nodes):
        above = (port.get_source_output().get_node().get_name() for port in node.inputs())
        read = tuple(dict.fromkeys(at for name in above for at in origins.get(name, ())))
        kind, name = node.get_type_name(), node.get_friendly_name()
        # What reads no value but constants is a weight on its way.
        weight = not read and not any(_fed(port) for port in node.inputs())
        if kind in COMPUTES_NOTHING or name.endswith(SPLIT) or weight or not node.get_output_size():
            origins[node.get_name()] = read
            continue
        origins[node.get_name()] = (position,)
        port = node.output(0)
        if port.get_element_type().is_real():
            # Quantizers may drop an activation behind a layer, whose output then has the activation's name.
            yield Tensor(position, name, kind, frozenset(port.get_names() or {name}), read)


def _fed(port: Any) -> bool:
    """Whether a chain of single inputs leads from a port to an input of the model."""
    node = port.get_source_output().get_node()
    while node.get_type_name() != "Parameter":
        if not node.get_input_size():
            return False
        node = node.input_value(0).get_node()
    return True


def _behind(port: Any) -> Any:
    """Return the port on which a value is in float again after it was quantized; itself where it is not."""
    readers = [target.get_node() for target in port.get_target_inputs()]
    if not readers or any(reader.get_type_name() != FAKE for reader in readers):
        return port
    found = readers[0].output(0)
    # QuantizeLinear and DequantizeLinear of an ONNX file: to whole numbers, and back by a multiplication.
    after = _only(found, CONVERT)
    if after is None:
        return found
    after = _only(after, CONVERT) or after
    after = _only(after, "Subtract") or after
    return _only(after, "Multiply") or found


def _only(port: Any, kind: str) -> Any:
    """Return the output of the first reader if all are of this kind, else None."""
    readers = [target.get_node() for target in port.get_target_inputs()]
    fits = readers and all(reader.get_type_name() == kind for reader in readers)
    return readers[0].output(0) if fits else None
