"""LiteRT flatbuffers (once TensorFlow Lite), for phones and small devices.

Source: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs; the layout of
tables and vectors is that of https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.protocols import Format

IDENTIFIER, VERSION = b"TFL3", 3
SUBGRAPHS, BUFFERS = 2, 4
"""Positions of fields in the schema's table ``Model``; ``version`` is the first."""
DATA, OFFSET, SIZE = 0, 1, 2
"""... and in its table ``Buffer``; the last two place large data behind the flatbuffer."""


def _check(path: Path) -> tuple[Path, ...]:
    with path.open("rb") as file:
        if file.read(8)[4:] != IDENTIFIER:
            raise UnsafeUpload(f"{path.name} is no LiteRT model.", hint=HOSTILE)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                _look_through(content)
            except (struct.error, IndexError, ValueError) as error:
                raise CorruptFile(f"{path.name} is cut off or broken: {error}.", hint=HOSTILE) from error
    return ()


def _look_through(content: mmap.mmap) -> None:
    """Follow the model's table to its graphs and weights.

    Raises:
        ValueError: A part lies outside the file, or the version is another one.
    """
    model = _table(content, 0)
    if 0 not in model or _number(content, model[0]) != VERSION:
        raise ValueError("its schema is of another version")
    if not _vector(content, model, SUBGRAPHS):
        raise ValueError("it holds no graph")
    for position in _vector(content, model, BUFFERS):
        buffer = _table(content, position)
        _bytes_inside(content, buffer)


def _bytes_inside(content: mmap.mmap, buffer: dict[int, int]) -> None:
    if DATA in buffer:
        start = buffer[DATA] + _number(content, buffer[DATA])
        begin, length = start + 4, _number(content, start)
    elif OFFSET in buffer and SIZE in buffer:
        begin, length = (struct.unpack_from("<Q", content, buffer[each])[0] for each in (OFFSET, SIZE))
    else:
        return
    if begin + length > len(content):
        raise ValueError("weights lie beyond its end")


def _number(content: mmap.mmap, position: int) -> int:
    return int(struct.unpack_from("<I", content, position)[0])


def _table(content: mmap.mmap, reference: int) -> dict[int, int]:
    """Return where the fields lie of the table that the offset at `reference` leads to, by field number."""
    start = reference + _number(content, reference)
    layout = start - struct.unpack_from("<i", content, start)[0]
    if layout < 0:
        raise ValueError("a table has no layout")
    size = struct.unpack_from("<H", content, layout)[0]
    offsets = struct.unpack_from(f"<{max(size - 4, 0) // 2}H", content, layout + 4)
    return {field: start + offset for field, offset in enumerate(offsets) if offset}


def _vector(content: mmap.mmap, table: dict[int, int], field: int) -> range:
    """Return where the offsets lie that a vector of tables holds."""
    if field not in table:
        return range(0)
    start = table[field] + _number(content, table[field])
    count = _number(content, start)
    if start + 4 + 4 * count > len(content):
        raise ValueError("a list goes on beyond its end")
    return range(start + 4, start + 4 + 4 * count, 4)


FORMAT = Format(
    "tflite",
    "LiteRT (TFLite)",
    ".tflite",
    _check,
    learn=Learn(
        does="A compact flat file that LiteRT maps into memory as it is.",
        costs="A fixed batch, and fewer operators.",
        choose="For phones and small boards.",
        expect="4 bytes a parameter in FP32",
    ),
)
