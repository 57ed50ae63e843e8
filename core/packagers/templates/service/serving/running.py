"""What every `serve.py` does: its command line, the check of a running service, room for connections."""

from __future__ import annotations

import argparse
import resource
import sys
import urllib.request
from collections.abc import Callable

from serving.settings import Settings

HEADERS_S = 10.0
"""In which the head of a request must come, or its connection is closed."""
KEEP_ALIVE_S = 65
CLOSING_S = 30
MOST_CONNECTIONS = 1024
REQUEST_THREADS = 128
"""Of adapters with a thread for each request."""


def run(serve: Callable[[str, int], None], path: str = "/ready", offset: int = 0) -> int:
    """Serve until SIGTERM, or check a running service.

    Args:
        serve: Serves on a host and port until it is told to end.
        path: What says over HTTP that it is ready.
        offset: From the port of the service to that of HTTP.
    """
    parser = argparse.ArgumentParser(description="Serve the model.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 answers other machines")
    parser.add_argument("--port", type=int, default=Settings.read().port)
    parser.add_argument("--check", action="store_true", help="ask a running service whether it is ready")
    options = parser.parse_args()
    if options.check:
        return check(f"http://127.0.0.1:{options.port + offset}{path}")
    allow_connections()
    serve(options.host, options.port)
    return 0


def check(address: str) -> int:
    """Return 0 if the service on this machine is ready."""
    try:
        with urllib.request.urlopen(address, timeout=3) as answer:
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(f"not ready: {error}", file=sys.stderr)
        return 1


def allow_connections() -> None:
    """Have as many open files as the system allows: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
