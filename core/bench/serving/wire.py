"""HTTP over one kept connection, as little of it as a load test needs: nothing of an answer is believed."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from dataclasses import dataclass

import numpy as np

from core.protocols import Feed

LONGEST_HEAD = 16 * 1024
LONGEST_BODY = 1 << 30
ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: 0 where the connection ended before one came.
        body: Its content.
        timing: Milliseconds by stage, as the header Server-Timing has them.
    """

    status: int
    body: bytes = b""
    timing: dict[str, float] | None = None


def npz(feed: Feed) -> bytes:
    """Return arrays as ``numpy.savez`` writes them, which itself takes none named ``file``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in feed.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return stream.getvalue()


class Connection:
    """A connection to a port of the loopback, opened again when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes, patience_s: float) -> Reply:
        """Send a whole request and return its answer, without one after `patience_s` seconds."""
        try:
            async with asyncio.timeout(patience_s):
                return await self._asked(request)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.close()
            return Reply(0)

    async def _asked(self, request: bytes) -> Reply:
        if self._streams is None:
            self._streams = await asyncio.open_connection(ADDRESS, self._port, limit=LONGEST_HEAD)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        reply = Reply(int(head[9:12]), await reader.readexactly(_length(head)), _timing(head))
        if re.search(r"^connection: close", head, re.MULTILINE | re.IGNORECASE):
            self.close()
        return reply

    def close(self) -> None:
        """Close it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(
    path: str, body: bytes = b"", kind: str = "", key: str = "", more: str = "", length: int = -1
) -> bytes:
    """Return a request: a GET without `kind`, else a POST.

    Args:
        path: Of the address.
        body: Content.
        kind: Its type.
        key: API key.
        more: Further headers, each with its line's end.
        length: That is claimed; by default the true one.
    """
    head = f"{'POST' if kind else 'GET'} {path} HTTP/1.1\r\nHost: {ADDRESS}\r\n{more}"
    head += f"Authorization: Bearer {key}\r\n" if key else ""
    if kind:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body) if length < 0 else length}\r\n"
    return f"{head}\r\n".encode() + body


def _length(head: str) -> int:
    found = re.search(r"^content-length: (\d{1,12})\r$", head, re.MULTILINE | re.IGNORECASE)
    if found is None or int(found[1]) > LONGEST_BODY:
        raise ValueError("the answer does not say how long it is")
    return int(found[1])


def _timing(head: str) -> dict[str, float]:
    found = re.search(r"^server-timing: (.{0,1000})\r$", head, re.MULTILINE | re.IGNORECASE)
    parts = re.findall(r"(\w{1,20});dur=(\d{1,9}\.\d{1,6})", found[1]) if found is not None else []
    return {name: float(took) for name, took in parts}
