"""Run the service.

    python serve.py                HTTP on port 8000 of this machine alone, gRPC on the next one
    python serve.py --host 0.0.0.0 --port 8000
    python serve.py --check        asks a running service whether it is ready; exit code 0 if so

It ends on SIGTERM: requests that wait are answered first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from serving.on_uvicorn import in_background
from serving.on_uvicorn import server as http_server
from serving.running import run


def start(descriptor: int, port: int) -> Callable[[], None]:
    """Serve gRPC on a port and HTTP on a listening socket in the background; return what ends both."""
    _at("127.0.0.1", port)
    return in_background(descriptor)


def serve(host: str, port: int) -> None:
    """Serve HTTP on a port, and gRPC on the next one."""
    _at(host, port + 1)
    http_server(host, port).run()


def _at(host: str, port: int) -> None:
    from app import server

    server.address = f"{host}:{port}"


if __name__ == "__main__":
    sys.exit(run(serve))
