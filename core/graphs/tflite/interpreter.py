"""LiteRT's interpreter: inputs and outputs in the order of the call, real numbers for scaled integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.protocols import Array

Detail = Mapping[str, Any]
CHANNELS_LAST = "channels_last"
"""Option of an artifact: positions of the inputs that the file takes as (batch, height, width, channels)."""


@dataclass(frozen=True)
class Port:
    """An input or output of a file.

    Attributes:
        name: That of the signature where there is one, else the tensor's.
        index: Of the tensor in the interpreter.
        shape: With -1 for each free size.
        dtype: As the file has it.
        scale: By which whole numbers of the file stand for real ones; 0 where they stand for themselves.
        zero: The whole number that stands for 0.
    """

    name: str
    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero: int

    @property
    def position(self) -> int | None:
        """The place that litert-torch's names end in, such as 0 of ``args_0``; None of other names."""
        prefix, _, number = self.name.rpartition("_")
        return int(number) if prefix in ("args", "output") and number.isdecimal() else None

    @property
    def scaled(self) -> bool:
        """Whether it holds real numbers as whole ones."""
        return self.scale > 0

    def stored(self, array: Array) -> Array:
        """Return `array` as the file takes it: real numbers scaled where it takes whole ones for them."""
        if self.scaled and array.dtype.kind == "f":
            limits = np.iinfo(self.dtype)
            steps = np.round(array / np.float32(self.scale)) + self.zero
            array = np.clip(steps, limits.min, limits.max)
        return np.asarray(array, dtype=self.dtype, order="C")

    def real(self, array: Array) -> Array:
        """Return an output of the file with real numbers for scaled whole ones, in memory of its own."""
        if not self.scaled:
            return np.array(array)
        return (array.astype(np.float32) - self.zero) * np.float32(self.scale)


def open_file(path: Path, threads: int) -> Any:
    """Return an interpreter of the file that uses so many threads, its tensors not allocated yet."""
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=str(path), num_threads=threads)


def ports(interpreter: Any) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Return the inputs and the outputs of the file's first graph, in the order in which they were exported.

    Exporters name them in a signature, litert-torch by position (``args_0``, ``output_0``), and list their
    tensors in an order of their own.
    """
    signatures = interpreter._get_full_signature_list()
    names: dict[str, Any] = next(iter(signatures.values())) if len(signatures) == 1 else {}
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return _ordered(inputs, names.get("inputs", {})), _ordered(outputs, names.get("outputs", {}))


def _ordered(details: Sequence[Detail], signature: Mapping[str, int]) -> tuple[Port, ...]:
    """Return ports under the signature's names where it names them all, by position where it counts."""
    told = {index: name for name, index in signature.items()}
    whole = set(told) == {each["index"] for each in details} and len(told) == len(signature)
    found = [_port(each, told[each["index"]] if whole else str(each["name"])) for each in details]
    if all(port.position is not None for port in found):
        found.sort(key=lambda port: port.position or 0)
    return tuple(found)


def _port(detail: Detail, name: str) -> Port:
    scales, zeros = (detail["quantization_parameters"][each] for each in ("scales", "zero_points"))
    dtype = np.dtype(detail["dtype"])
    one = len(scales) == 1 and dtype.kind in "iu"
    free = detail.get("shape_signature", detail["shape"])
    shape = free if len(free) == len(detail["shape"]) else detail["shape"]
    return Port(
        name,
        int(detail["index"]),
        tuple(map(int, shape)),
        dtype,
        float(scales[0]) if one else 0.0,
        int(zeros[0]) if one else 0,
    )


def in_layout(arrays: Sequence[Array], options: Mapping[str, Any]) -> list[Array]:
    """Return the model's inputs with the channels of some at the end, where the artifact's options say so."""
    last = options.get(CHANNELS_LAST, ())
    return [np.moveaxis(array, 1, -1) if at in last else array for at, array in enumerate(arrays)]


class Runner:
    """An interpreter that is given arrays by position and takes the shapes they have."""

    def __init__(self, interpreter: Any) -> None:
        self.interpreter = interpreter
        self.inputs, self.outputs = ports(interpreter)
        self._shapes: tuple[tuple[int, ...], ...] = ()

    def of(self, arrays: Sequence[Array]) -> list[Array]:
        """Return those of the model's inputs that the file takes: an export leaves out what nothing reads."""
        places = [port.position for port in self.inputs]
        if len(places) == len(arrays) or None in places:
            return list(arrays)
        return [arrays[place] for place in places if place is not None]

    def feed(self, arrays: Sequence[Array]) -> None:
        """Set the inputs, which are as the file takes them; make room where their shapes are new."""
        shapes = tuple(array.shape for array in arrays)
        if shapes != self._shapes:
            self._shapes = ()
            for port, shape in zip(self.inputs, shapes, strict=True):
                # Strict: only sizes that the file leaves free; most exporters leave none.
                self.interpreter.resize_tensor_input(port.index, shape, strict=True)
            self.interpreter.allocate_tensors()
            self._shapes = shapes
        for port, array in zip(self.inputs, arrays, strict=True):
            self.interpreter.set_tensor(port.index, array)

    def answers(self) -> list[Array]:
        """Return the outputs of the last call."""
        return [port.real(self.interpreter.get_tensor(port.index)) for port in self.outputs]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the outputs on arrays in the order of the inputs."""
        self.feed([port.stored(array) for port, array in zip(self.inputs, arrays, strict=True)])
        self.interpreter.invoke()
        return self.answers()
