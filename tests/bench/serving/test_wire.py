"""The load test's HTTP believes nothing: answers without an end or with a huge length are none."""

from __future__ import annotations

import asyncio

import pytest

from core.bench.serving.wire import Connection, Reply, request
from core.protocols import Sent

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer-Timing: queue;dur=0.250, x;dur=1.000\r\n\r\nok"


async def answered(*answers: bytes) -> list[Reply]:
    """Return what a connection makes of a server's answers, one a request."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(left.pop(0))
            if not left[:1] or not left[0]:
                writer.close()
                return

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = Connection(server.sockets[0].getsockname()[1])
    found = [await connection.ask(request(Sent("/", posts=False)), 60.0) for _ in answers]
    await connection.close()
    server.close()
    return found


def test_an_answer_has_its_status_body_and_times() -> None:
    first, second = asyncio.run(answered(GOOD, GOOD))
    assert first == second == Reply(200, b"ok", {"queue": 0.25, "x": 1.0})


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"x" * 100_000,
    ],
)
def test_what_is_no_answer_is_none(answer: bytes) -> None:
    assert asyncio.run(answered(answer)) == [Reply(0)]
