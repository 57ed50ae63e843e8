"""Requests that no service should answer with a prediction: what each is, and the status of a clear error."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np

from core.bench.serving.wire import Connection, npz, request
from core.protocols import Array, Feed

PATIENCE_S = 20.0
NPZ, JSON = "application/x-npz", "application/json"
HUGE = 1 << 40


def _first(feed: Feed, change: Callable[[Array], Array]) -> bytes:
    name, *others = feed
    return npz({name: change(feed[name]), **{other: feed[other] for other in others}})


def _lying(feed: Feed) -> bytes:
    """Return an array that claims to be 2^40 numbers and holds none."""
    stream, name = io.BytesIO(), next(iter(feed))
    head = {"descr": "<f4", "fortran_order": False, "shape": (HUGE,)}
    np.lib.format.write_array_header_1_0(stream, head)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{name}.npy", stream.getvalue())
    return whole.getvalue()


def _text(feed: Feed) -> bytes:
    return json.dumps({"inputs": dict.fromkeys(feed, "x")}).encode()


def _nan(feed: Feed) -> bytes:
    """Return a request in JSON whose values are not numbers."""
    return json.dumps({"inputs": {name: [[float("nan")]] for name in feed}}).encode()


WRONG: dict[str, tuple[int, Callable[[Feed], tuple[str, bytes, int]]]] = {
    "another shape": (422, lambda feed: (NPZ, _first(feed, lambda value: value[..., :-1, None]), -1)),
    "another type": (422, lambda feed: (NPZ, _first(feed, lambda value: value.astype(np.complex64)), -1)),
    "a missing input": (422, lambda _: (NPZ, npz({"no_such_input": np.zeros(1)}), -1)),
    "a path as a name": (422, lambda feed: (NPZ, npz({**feed, "../../etc/passwd": np.zeros(1)}), -1)),
    "an array that lies about its size": (422, lambda feed: (NPZ, _lying(feed), -1)),
    "no archive": (422, lambda _: (NPZ, b"PK\x03\x04 nothing", -1)),
    "NaN in JSON": (422, lambda feed: (JSON, _nan(feed), -1)),
    "text for numbers": (422, lambda feed: (JSON, _text(feed), -1)),
    "no JSON": (422, lambda _: (JSON, b"[" * 5000, -1)),
    "an unknown content type": (415, lambda _: ("text/html", b"<html>", -1)),
    "a body that claims a terabyte": (413, lambda _: (NPZ, b"", HUGE)),
}  # fmt: skip
"""What is wrong with a request, the status of a clear error, and its type, body and claimed length."""


async def statuses(port: int, key: str, feed: Feed) -> list[int]:
    """Return the status of the answer to each of `WRONG`."""
    found = []
    for _, make in WRONG.values():
        kind, body, length = make(feed)
        connection = Connection(port)
        sent = request("/predict", body, kind, key, length=length)
        found.append((await connection.ask(sent, PATIENCE_S)).status)
        connection.close()
    return found
