"""HTTP over one kept connection, as little of it as a load test needs: nothing of an answer is believed."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from core.protocols import Sent

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


class Connection:
    """A connection to a port of the loopback, opened again when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def prepared(self, sent: Sent) -> bytes:
        """Return a request as `ask` takes it: made beforehand, it costs no time under load."""
        return request(sent)

    async def ask(self, request: bytes, patience_s: float) -> Reply:
        """Send a whole request and return its answer, without one after `patience_s` seconds."""
        try:
            async with asyncio.timeout(patience_s):
                return await self._asked(request)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._end()
            return Reply(0)

    async def _asked(self, request: bytes) -> Reply:
        if self._streams is None:
            self._streams = await asyncio.open_connection(ADDRESS, self._port, limit=LONGEST_HEAD)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        reply = Reply(int(head[9:12]), await reader.readexactly(_length(head)), _timing(head))
        if re.search(r"^connection: close", head, re.MULTILINE | re.IGNORECASE):
            self._end()
        return reply

    async def close(self) -> None:
        """Close it."""
        self._end()

    def _end(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(sent: Sent) -> bytes:
    """Return a request as it goes over the wire."""
    headers = {"Host": ADDRESS, **sent.headers}
    if sent.posts:
        headers["Content-Length"] = str(len(sent.body) if sent.length is None else sent.length)
    lines = [f"{'POST' if sent.posts else 'GET'} {sent.path} HTTP/1.1", *map(": ".join, headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + sent.body


def _length(head: str) -> int:
    found = re.search(r"^content-length: (\d{1,12})\r$", head, re.MULTILINE | re.IGNORECASE)
    if found is None or int(found[1]) > LONGEST_BODY:
        raise ValueError("the answer does not say how long it is")
    return int(found[1])


def _timing(head: str) -> dict[str, float]:
    found = re.search(r"^server-timing: (.{0,1000})\r$", head, re.MULTILINE | re.IGNORECASE)
    return timing(found[1]) if found is not None else {}


def timing(told: str) -> dict[str, float]:
    """Return the milliseconds by stage in a header Server-Timing."""
    parts = re.findall(r"(\w{1,20});dur=(\d{1,9}\.\d{1,6})", told)
    return {name: float(took) for name, took in parts}
