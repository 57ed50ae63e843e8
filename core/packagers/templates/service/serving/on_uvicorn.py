"""An ASGI application on uvicorn, with patience for slow callers that ends."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.running import CLOSING_S, HEADERS_S, KEEP_ALIVE_S, MOST_CONNECTIONS


class Impatient(H11Protocol):
    """HTTP as uvicorn speaks it, to callers who send the head of a request in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEADERS_S, self._give_up)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._patience.cancel()
        self._patience = self.loop.call_later(KEEP_ALIVE_S + HEADERS_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def server(host: str, port: int) -> uvicorn.Server:
    """Return the server of `app` in `app.py`, not yet started."""
    return uvicorn.Server(
        uvicorn.Config(
            "app:app",
            host=host,
            port=port,
            http=Impatient,
            ws="none",
            loop="asyncio",
            access_log=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=CLOSING_S,
            log_level="warning",
        )
    )


def in_background(descriptor: int) -> Callable[[], None]:
    """Serve in a thread on a listening socket, and return what ends it."""
    listening, running = socket.socket(fileno=os.dup(descriptor)), server("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, args=([listening],), name="http", daemon=True)
    thread.start()

    def end() -> None:
        running.should_exit = True
        thread.join(CLOSING_S)

    return end
