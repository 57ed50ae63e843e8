"""ONNX format detection: by the outline of the protobuf message, reading a few bytes of it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

VARINT, LENGTH = 0, 2
GRAPH = 7
_MODEL = {
    1: VARINT, 2: LENGTH, 3: LENGTH, 4: LENGTH, 5: VARINT, 6: LENGTH, 7: LENGTH, 8: LENGTH, 14: LENGTH,
    20: LENGTH, 25: LENGTH, 26: LENGTH,
}  # fmt: skip
"""Fields of onnx.ModelProto and how each is encoded; 7 is the graph."""


def looks_like_onnx(path: Path) -> bool:
    """Whether all top-level fields of the file are those of an ONNX model and a graph is among them.

    A truncated file counts as long as its graph has begun, so that it can be called truncated.
    """
    size = path.stat().st_size
    graph = False
    with path.open("rb") as file:
        while file.tell() < size:
            tag = _varint(file)
            if tag is None or _MODEL.get(tag >> 3) != tag & 7:
                return False
            graph = graph or tag >> 3 == GRAPH
            value = _varint(file)
            if value is None:
                return graph
            if tag & 7 == LENGTH:
                file.seek(min(file.tell() + value, size))
    return graph


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
