"""Run the service.

    python serve.py                serves on port 8000 of this machine alone
    python serve.py --host 0.0.0.0 --port 8000
    python serve.py --check        asks a running service whether it is ready; exit code 0 if so

It ends on SIGTERM: requests that wait are answered first.
"""

from __future__ import annotations

import sys

from serving.on_uvicorn import in_background, server
from serving.running import run

start = in_background
"""Serves in the background on a listening socket, and returns what ends it."""

if __name__ == "__main__":
    sys.exit(run(lambda host, port: server(host, port).run()))
