"""The wire format of protocol buffers, read without a schema and without copies.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, LENGTH = 0, 2
"""Wire types of numbers, and of text, bytes and messages."""
WIDTHS = {1: 8, 5: 4}
"""Bytes of the wire types of one width."""


def fields(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the fields of a message: number, wire type, and where the value begins and ends in `content`.

    Raises:
        ValueError: It is no protocol buffer, or is cut off.
        IndexError: It is cut off within a number.
    """
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            _, end = _varint(content, at)
        elif wire == LENGTH:
            length, at = _varint(content, at)
            end = at + length
        elif wire in WIDTHS:
            end = at + WIDTHS[wire]
        else:
            raise ValueError("it is no protocol buffer")
        if end > len(content):
            raise ValueError("it is cut off")
        yield number, wire, at, end
        at = end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        byte = content[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("it is no protocol buffer")
