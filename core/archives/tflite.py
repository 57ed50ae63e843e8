"""LiteRT (TFLite) flatbuffers, looked through without LiteRT: all that the file refers to lies inside it.

Source: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from core.archives.flatbuffers import Flatbuffer
from core.errors import CorruptFile, UnsafeUpload

IDENTIFIER, VERSION = b"TFL3", 3
CODES, SUBGRAPHS, BUFFERS = 1, 2, 4
"""Positions of fields in the schema's table ``Model``; ``version`` is the first."""
DATA, OFFSET, SIZE = 0, 1, 2
"""... in its table ``Buffer``; the last two place large data behind the flatbuffer."""
TENSORS, INPUTS, OUTPUTS, OPERATORS = 0, 1, 2, 3
"""... in ``SubGraph``."""
TENSOR_BUFFER = 2
OPCODE, OPERANDS, RESULTS = 0, 1, 2
"""... in ``Tensor`` and ``Operator``."""


def looks_like_tflite(path: Path) -> bool:
    """Whether the file begins as a LiteRT flatbuffer."""
    with path.open("rb") as file:
        return file.read(8)[4:] == IDENTIFIER


def check_tflite(path: Path, hint: str) -> None:
    """Refuse a file whose graphs, tensors, operators or weights reach beyond its end or what it lists.

    Args:
        path: The file; nothing in it is run.
        hint: What to do about one that is refused.

    Raises:
        UnsafeUpload: It is no LiteRT model.
        CorruptFile: It is cut off or broken.
    """
    if not looks_like_tflite(path):
        raise UnsafeUpload(f"{path.name} is no LiteRT model.", hint=hint)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            _model(Flatbuffer(content))
        except (struct.error, IndexError, ValueError) as error:
            raise CorruptFile(f"{path.name} is cut off or broken: {error}.", hint=hint) from error


def _model(file: Flatbuffer) -> None:
    """Follow the model's table to its graphs and weights.

    Raises:
        ValueError: A part lies outside the file, or the version is another one.
    """
    model = file.table(0)
    if 0 not in model or file.number(model[0]) != VERSION:
        raise ValueError("its schema is of another version")
    graphs, buffers = file.vector(model, SUBGRAPHS), file.vector(model, BUFFERS)
    if not graphs:
        raise ValueError("it holds no graph")
    codes = len(file.vector(model, CODES))
    for position in graphs:
        _graph(file, file.table(position), codes, len(buffers))
    for position in buffers:
        _bytes_inside(file, file.table(position))


def _graph(file: Flatbuffer, graph: dict[int, int], codes: int, buffers: int) -> None:
    tensors = file.vector(graph, TENSORS)
    for position in tensors:
        tensor = file.table(position)
        if TENSOR_BUFFER in tensor and file.number(tensor[TENSOR_BUFFER]) >= max(1, buffers):
            raise ValueError("a tensor has weights that it does not hold")
    for field in (INPUTS, OUTPUTS):
        _check_indices(file, graph, field, len(tensors))
    for position in file.vector(graph, OPERATORS):
        operator = file.table(position)
        if (file.number(operator[OPCODE]) if OPCODE in operator else 0) >= codes:
            raise ValueError("a layer is of a kind that it does not list")
        for field in (OPERANDS, RESULTS):
            _check_indices(file, operator, field, len(tensors))


def _check_indices(file: Flatbuffer, table: dict[int, int], field: int, tensors: int) -> None:
    """Check a vector of indices of tensors; -1 stands for one that is left out."""
    if not all(-1 <= file.number(place, "<i") < tensors for place in file.vector(table, field)):
        raise ValueError("a layer works on a tensor that it does not hold")


def _bytes_inside(file: Flatbuffer, buffer: dict[int, int]) -> None:
    if DATA in buffer:
        start = buffer[DATA] + file.number(buffer[DATA])
        begin, length = start + 4, file.number(start)
    elif OFFSET in buffer and SIZE in buffer:
        begin, length = (file.number(buffer[each], "<Q") for each in (OFFSET, SIZE))
    else:
        return
    if begin + length > len(file):
        raise ValueError("weights lie beyond its end")
