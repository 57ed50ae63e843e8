"""Asking process, child's side: golden inputs, load and wrong requests for a service on the loopback."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from core.bench.serving.commands import (
    CHANGE,
    COMPARE,
    COUNT,
    LOAD,
    READY,
    REFUSE,
    Answered,
    Ask,
    Compared,
    Ready,
    Shown,
    Statuses,
)
from core.bench.serving.refusals import statuses
from core.bench.serving.wire import Connection, Reply, npz, request
from core.protocols import Array

NPZ, JSON = "application/x-npz", "application/json"
OTHER = "other"
"""Name of the version that a trial changes to: another copy of the same kit."""
STAGES = ("validate", "queue", "inference", "encode")
PATIENCE_S, QUICK_S = 60.0, 2.0
MOST_KEPT = 100_000


def _verify(folder: str) -> Any:
    """Return the script with which the kit compares outputs."""
    path = Path(folder) / "models" / "v1" / "verify.py"
    spec = importlib.util.spec_from_file_location("verify", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def predictions(ask: Ask) -> Iterator[tuple[bytes, list[Array]]]:
    """Give a request for each golden input, with the outputs of the measurement."""
    more = "" if ask.cached else "Cache-Control: no-cache\r\n"
    for feed, expected in _verify(ask.folder).golden():
        yield request("/predict", npz(feed), NPZ, ask.key, more), expected


def ready(ask: Ask) -> Ready:
    """Ask whether it is ready."""
    return Ready(asyncio.run(Connection(ask.port).ask(request("/ready"), QUICK_S)).status)


def compare(ask: Ask) -> Compared:
    """Send every golden input and compare what comes."""
    verify, found = _verify(ask.folder), list(predictions(ask))
    replies = asyncio.run(_one_by_one(ask.port, [sent for sent, _ in found]))
    errors = [_error(verify, reply, expected) for reply, (_, expected) in zip(replies, found, strict=True)]
    most = 0.1 if verify.MANIFEST["detects"] else verify.MANIFEST["tolerance"]
    return Compared(len(errors), max(errors, default=1.0), int(bool(errors) and max(errors) <= most))


def _error(verify: Any, reply: Reply, expected: list[Array]) -> float:
    if reply.status != 200:
        return 1.0
    try:
        with np.load(io.BytesIO(reply.body), allow_pickle=False) as arrays:
            ours = [arrays[name] for name in verify.MANIFEST["outputs"]]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return 1.0
    if verify.MANIFEST["detects"]:
        return float(verify.missing(ours, expected, verify.MANIFEST["tolerance"]))
    if any(mine.shape != wanted.shape for mine, wanted in zip(ours, expected, strict=True)):
        return 1.0
    return max(float(verify.difference(mine, wanted)) for mine, wanted in zip(ours, expected, strict=True))


async def _one_by_one(port: int, requests: list[bytes]) -> list[Reply]:
    connection = Connection(port)
    return [await connection.ask(each, PATIENCE_S) for each in requests]


def load(ask: Ask) -> Answered:
    """Have clients ask, each again as soon as it is answered."""
    sent = [each for each, _ in predictions(ask)]
    begin = perf_counter()
    each = asyncio.run(_clients(ask, sent))
    took = perf_counter() - begin
    ms = [took_ms for client in each for took_ms, reply in client if reply.status == 200]
    errors = sum(reply.status != 200 for client in each for _, reply in client)
    timing = [reply.timing or {} for client in each for _, reply in client if reply.status == 200]
    stages = [float(np.median([each.get(stage, -1.0) for each in timing] or [-1.0])) for stage in STAGES]
    return Answered(ms[:MOST_KEPT], errors, took, stages)


async def _clients(ask: Ask, sent: list[bytes]) -> list[list[tuple[float, Reply]]]:
    until = perf_counter() + ask.seconds
    return await asyncio.gather(*(_client(ask.port, sent, start, until) for start in range(ask.clients)))


async def _client(port: int, sent: list[bytes], start: int, until: float) -> list[tuple[float, Reply]]:
    connection, found, at = Connection(port), list[tuple[float, Reply]](), start
    await connection.ask(sent[at % len(sent)], PATIENCE_S)  # opens the connection
    while not found or perf_counter() < until:
        begin = perf_counter()
        reply = await connection.ask(sent[at % len(sent)], PATIENCE_S)
        found.append((1e3 * (perf_counter() - begin), Reply(reply.status, b"", reply.timing)))
        at += 1
    connection.close()
    return found


def count(ask: Ask) -> Shown:
    """Ask for the metrics, and look whether they tell of predictions."""
    reply = asyncio.run(Connection(ask.port).ask(request("/metrics", key=ask.key), QUICK_S))
    return Shown(
        int(re.search(rb'^requests_total\{status="200".*\} [1-9]', reply.body, re.MULTILINE) is not None)
    )


def change(ask: Ask) -> Shown:
    """Activate the other version, go back, and ask each of them."""
    sent, _ = next(predictions(ask))
    steps = [(f"/versions/{OTHER}/activate", OTHER), ("/versions/rollback", "v1")]
    for path, active in steps:
        told, answer = asyncio.run(_one_by_one(ask.port, [request(path, kind=JSON, key=ask.key), sent]))
        if told.status != 200 or f'"active":"{active}"'.encode() not in told.body or answer.status != 200:
            return Shown(0)
    return Shown(1)


def refuse(ask: Ask) -> Statuses:
    """Send requests that must be refused."""
    feed, _ = next(_verify(ask.folder).golden())
    return Statuses(asyncio.run(statuses(ask.port, ask.key, feed)))


COMMANDS = dict(
    [
        READY.done_by(ready),
        COMPARE.done_by(compare),
        LOAD.done_by(load),
        REFUSE.done_by(refuse),
        COUNT.done_by(count),
        CHANGE.done_by(change),
    ]
)
