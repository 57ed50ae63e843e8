"""Serving process, child's side: runs the service of a folder on the socket that it was given."""

from __future__ import annotations

import importlib
import os
import sys
from time import perf_counter
from typing import Any

from core.bench.serving.commands import BARE, SERVE, Bare, BareTimes, Nothing, Serve

LEAST_CALLS, MOST_CALLS = 10, 20_000


def serve(request: Serve) -> Nothing:
    """Start the service in the background; what it prints under load goes nowhere.

    Nobody reads the pipe meanwhile: once it was full, the service would wait.
    """
    sys.path.insert(0, request.folder)
    start = importlib.import_module("serve").start
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    start(request.descriptor, *([request.port] if request.port else []))
    return Nothing()


def bare(request: Bare) -> BareTimes:
    """Call the model that the service has loaded."""
    kit: Any = importlib.import_module("app").service.kit
    feed, _ = next(kit.golden())
    times: list[float] = []
    until = perf_counter() + request.seconds
    while (perf_counter() < until or len(times) < LEAST_CALLS) and len(times) < MOST_CALLS:
        begin = perf_counter()
        kit.run(feed)
        times.append(1e3 * (perf_counter() - begin))
    return BareTimes(times)


COMMANDS = dict([SERVE.done_by(serve), BARE.done_by(bare)])
