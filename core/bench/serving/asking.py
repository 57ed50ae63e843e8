"""Asking process, child's side: golden inputs, load and wrong requests for a service on the loopback."""

from __future__ import annotations

import asyncio
import importlib.util
import re
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
from core.bench.serving.grpc_wire import GrpcConnection
from core.bench.serving.wire import Connection, Reply
from core.protocols import Array, Dialect, Sent
from core.registry import get_packager

OTHER = "other"
"""Name of the version that a trial changes to: another copy of the same kit."""
STAGES = ("validate", "queue", "inference", "encode")
PATIENCE_S, QUICK_S, REFUSED_S = 60.0, 2.0, 20.0
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


def _dialect(ask: Ask) -> Dialect:
    return get_packager(ask.kind).serves[ask.dialect]


def _connection(ask: Ask) -> Any:
    return GrpcConnection(ask.grpc_port) if _dialect(ask).transport == "grpc" else Connection(ask.port)


def predictions(ask: Ask) -> Iterator[tuple[Sent, list[Array]]]:
    """Give a request for each golden input, with the outputs of the measurement."""
    dialect = _dialect(ask)
    for feed, expected in _verify(ask.folder).golden():
        yield dialect.predict(feed, ask.key, fresh=not ask.cached), expected


def ready(ask: Ask) -> Ready:
    """Ask whether it is ready, over HTTP."""
    (reply,) = asyncio.run(_one_by_one(Connection(ask.port), [_dialect(ask).ready()], QUICK_S))
    return Ready(reply.status)


def compare(ask: Ask) -> Compared:
    """Send every golden input and compare what comes."""
    verify, dialect, found = _verify(ask.folder), _dialect(ask), list(predictions(ask))
    replies = asyncio.run(_one_by_one(_connection(ask), [sent for sent, _ in found]))
    pairs = zip(replies, found, strict=True)
    errors = [_error(verify, dialect, reply, expected) for reply, (_, expected) in pairs]
    most = verify.LOST_DETECTIONS if verify.MANIFEST["detects"] else verify.MANIFEST["tolerance"]
    return Compared(len(errors), max(errors, default=1.0), int(bool(errors) and max(errors) <= most))


def _error(verify: Any, dialect: Dialect, reply: Reply, expected: list[Array]) -> float:
    if reply.status != 200:
        return 1.0
    try:
        arrays = dialect.outputs(reply.body)
        ours = [arrays[name] for name in verify.MANIFEST["outputs"]]
    except (ValueError, KeyError):
        return 1.0
    if verify.MANIFEST["detects"]:
        return float(verify.missing(ours, expected, verify.MANIFEST["tolerance"]))
    if any(mine.shape != wanted.shape for mine, wanted in zip(ours, expected, strict=True)):
        return 1.0
    return max(float(verify.difference(mine, wanted)) for mine, wanted in zip(ours, expected, strict=True))


async def _one_by_one(connection: Any, requests: list[Sent], patience_s: float = PATIENCE_S) -> list[Reply]:
    """Return the answers to requests over one connection; a broken one is opened again."""
    replies = [await connection.ask(connection.prepared(each), patience_s) for each in requests]
    await connection.close()
    return replies


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


async def _clients(ask: Ask, sent: list[Sent]) -> list[list[tuple[float, Reply]]]:
    until = perf_counter() + ask.seconds
    return await asyncio.gather(*(_client(ask, sent, start, until) for start in range(ask.clients)))


async def _client(ask: Ask, requests: list[Sent], start: int, until: float) -> list[tuple[float, Reply]]:
    connection, found, at = _connection(ask), list[tuple[float, Reply]](), start
    sent = [connection.prepared(each) for each in requests]
    await connection.ask(sent[at % len(sent)], PATIENCE_S)  # opens the connection
    while not found or perf_counter() < until:
        begin = perf_counter()
        reply = await connection.ask(sent[at % len(sent)], PATIENCE_S)
        found.append((1e3 * (perf_counter() - begin), Reply(reply.status, b"", reply.timing)))
        at += 1
    await connection.close()
    return found


def count(ask: Ask) -> Shown:
    """Ask for the metrics, and look whether they tell of predictions."""
    (reply,) = asyncio.run(_one_by_one(Connection(ask.port), [Sent("/metrics", posts=False)], QUICK_S))
    return Shown(
        int(re.search(rb'^requests_total\{status="200".*\} [1-9]', reply.body, re.MULTILINE) is not None)
    )


def change(ask: Ask) -> Shown:
    """Activate the other version, go back, and ask each of them."""
    key, (sent, _) = {"Authorization": f"Bearer {ask.key}"}, next(predictions(ask))
    steps = [(f"/versions/{OTHER}/activate", OTHER), ("/versions/rollback", "v1")]
    for path, active in steps:
        (told,) = asyncio.run(_one_by_one(Connection(ask.port), [Sent(path, headers=key)]))
        (answer,) = asyncio.run(_one_by_one(_connection(ask), [sent]))
        if told.status != 200 or f'"active":"{active}"'.encode() not in told.body or answer.status != 200:
            return Shown(0)
    return Shown(1)


def refuse(ask: Ask) -> Statuses:
    """Send requests that must be refused, each over a connection of its own."""
    feed, _ = next(_verify(ask.folder).golden())
    wrong = [sent for _, sent in _dialect(ask).wrong(feed, ask.key).values()]
    replies = [asyncio.run(_one_by_one(_connection(ask), [sent], REFUSED_S))[0] for sent in wrong]
    return Statuses([reply.status for reply in replies])


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
