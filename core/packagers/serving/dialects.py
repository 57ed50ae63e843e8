"""Protocols that several kinds of service answer, as callers speak them."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from core.protocols import Array, Dialect, Feed, Sent

NPZ, JSON = "application/x-npz", "application/json"
HUGE = 1 << 40


def npz(feed: Feed) -> bytes:
    """Return arrays as ``numpy.savez`` writes them, which itself takes none named ``file``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in feed.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return stream.getvalue()


def changed(feed: Feed, change: Callable[[Array], Array]) -> Feed:
    """Return a feed whose first input is another."""
    name, *others = feed
    return {name: change(feed[name]), **{other: feed[other] for other in others}}


def misfits(feed: Feed) -> dict[str, Feed]:
    """Return feeds that no model takes in place of one that is right, by what is wrong."""
    return {
        "another shape": changed(feed, lambda value: value[..., :-1, None]),
        "another type": changed(feed, lambda value: value.astype(np.complex64)),
        "a missing input": {"no_such_input": np.zeros(1)},
        "a path as a name": {**feed, "../../etc/passwd": np.zeros(1)},
    }


def lying(feed: Feed) -> bytes:
    """Return an ``.npz`` whose array claims to be 2^40 numbers and holds none."""
    stream, name = io.BytesIO(), next(iter(feed))
    head = {"descr": "<f4", "fortran_order": False, "shape": (HUGE,)}
    np.lib.format.write_array_header_1_0(stream, head)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{name}.npy", stream.getvalue())
    return whole.getvalue()


def bearer(key: str) -> dict[str, str]:
    """Return the header of an API key; nothing without one."""
    return {"Authorization": f"Bearer {key}"} if key else {}


class NpzOverHttp(Dialect):
    """`POST /predict` with ``.npz``, or JSON, as the serving core answers it.

    Args:
        path: Of predictions.
    """

    name: ClassVar[str] = "HTTP"

    def __init__(self, path: str = "/predict") -> None:
        self._path = path

    def _sent(self, kind: str, body: bytes, key: str, length: int | None = None) -> Sent:
        return Sent(self._path, body, {"Content-Type": kind, **bearer(key)}, length)

    def predict(self, feed: Feed, key: str = "", fresh: bool = False) -> Sent:
        """Return a request in ``.npz``."""
        more = {"Cache-Control": "no-cache"} if fresh else {}
        return Sent(self._path, npz(feed), {"Content-Type": NPZ, **bearer(key), **more})

    def outputs(self, body: bytes) -> dict[str, Array]:
        """Return the arrays of an ``.npz``.

        Raises:
            ValueError: It is none.
        """
        try:
            with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError) as error:
            raise ValueError("the answer is no .npz") from error

    def wrong(self, feed: Feed, key: str = "") -> dict[str, tuple[int, Sent]]:
        """Return requests in ``.npz`` and JSON that do not fit, lie, or are something else."""
        nan = json.dumps({"inputs": {name: [[float("nan")]] for name in feed}}).encode()
        text = json.dumps({"inputs": dict.fromkeys(feed, "x")}).encode()
        return {
            **{name: (422, self._sent(NPZ, npz(each), key)) for name, each in misfits(feed).items()},
            "an array that lies about its size": (422, self._sent(NPZ, lying(feed), key)),
            "no archive": (422, self._sent(NPZ, b"PK\x03\x04 nothing", key)),
            "NaN in JSON": (422, self._sent(JSON, nan, key)),
            "text for numbers": (422, self._sent(JSON, text, key)),
            "no JSON": (422, self._sent(JSON, b"[" * 5000, key)),
            "an unknown content type": (415, self._sent("text/html", b"<html>", key)),
            "a body that claims a terabyte": (413, self._sent(NPZ, b"", key, HUGE)),
        }
