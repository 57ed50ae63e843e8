"""Flatbuffers, walked through without the schema's library: what leads out of the file raises.

Source: https://flatbuffers.dev/internals/, the layout of tables and vectors.
"""

from __future__ import annotations

import mmap
import struct

LEAST_BYTES = 4
"""Of a table that nothing else shares; a file with more tables than fit into it is a trap."""


class Flatbuffer:
    """A walk through the tables of a flatbuffer.

    Every method raises `ValueError`, `IndexError` or `struct.error` where a part lies outside the file.

    Args:
        content: The file.
    """

    def __init__(self, content: mmap.mmap | bytes) -> None:
        self._content, self._left = content, len(content) // LEAST_BYTES

    def __len__(self) -> int:
        return len(self._content)

    def number(self, position: int, form: str = "<I") -> int:
        """Return the whole number of `form`, a format of `struct`, at `position`."""
        return int(struct.unpack_from(form, self._content, position)[0])

    def table(self, reference: int) -> dict[int, int]:
        """Return where the fields lie of the table that the offset at `reference` leads to, by number."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("it holds more parts than fit into it")
        start = reference + self.number(reference)
        layout = start - self.number(start, "<i")
        if layout < 0:
            raise ValueError("a table has no layout")
        size = self.number(layout, "<H")
        offsets = struct.unpack_from(f"<{max(size - 4, 0) // 2}H", self._content, layout + 4)
        return {field: start + offset for field, offset in enumerate(offsets) if offset}

    def vector(self, table: dict[int, int], field: int, width: int = 4) -> range:
        """Return where the entries of a vector lie, each of `width` bytes; nothing where there is none."""
        if field not in table:
            return range(0)
        start = table[field] + self.number(table[field])
        count = self.number(start)
        if start + 4 + width * count > len(self._content):
            raise ValueError("a list goes on beyond its end")
        return range(start + 4, start + 4 + width * count, width)

    def text(self, table: dict[int, int], field: int) -> str:
        """Return a string; empty where there is none."""
        places = self.vector(table, field, 1)
        return bytes(self._content[places.start : places.stop]).decode("utf8")
