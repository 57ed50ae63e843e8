"""Run the service.

    python serve.py                serves on port 8000 of this machine alone
    python serve.py --host 0.0.0.0 --port 8000
    python serve.py --check        asks a running service whether it is ready; exit code 0 if so

It ends on SIGTERM: requests that wait are answered first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.settings import Settings

HEADERS_S = 10.0
"""In which the head of a request must come, or its connection is closed."""
KEEP_ALIVE_S = 65
CLOSING_S = 30


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


def server(host: str, port: int, most_connections: int = 1024) -> uvicorn.Server:
    """Return the server, not yet started."""
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
            limit_concurrency=most_connections,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=CLOSING_S,
            log_level="warning",
        )
    )


def start(descriptor: int) -> Callable[[], None]:
    """Serve in the background on a listening socket, and return what ends it."""
    listening, running = socket.socket(fileno=os.dup(descriptor)), server("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, args=([listening],), name="http", daemon=True)
    thread.start()

    def end() -> None:
        running.should_exit = True
        thread.join(CLOSING_S)

    return end


def allow_connections() -> None:
    """Have as many open files as the system allows: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def check(port: int) -> int:
    """Return 0 if the service on this machine is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=3) as answer:
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(f"not ready: {error}", file=sys.stderr)
        return 1


def main() -> int:
    """Serve, or check."""
    parser = argparse.ArgumentParser(description="Serve the model over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 answers other machines")
    parser.add_argument("--port", type=int, default=Settings.read().port)
    parser.add_argument("--check", action="store_true", help="ask a running service whether it is ready")
    options = parser.parse_args()
    if options.check:
        return check(options.port)
    allow_connections()
    server(options.host, options.port).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
