"""Cache of predictions: the same input to the same version is computed once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from io import BytesIO
from threading import Lock

import numpy as np
from cachetools import TTLCache

from serving.inputs import Array, Feed
from serving.outputs import as_npz

Outputs = dict[str, Array]
REDIS_S = 0.2
"""Patience with Redis; later than that the model is asked."""


def key_of(version: str, feed: Feed) -> str:
    """Return the key of an input: a hash of the version and of every byte, type and shape."""
    hashed = blake2b(version.encode(), digest_size=20)
    for name, value in feed.items():
        hashed.update(f"\0{name}\0{value.dtype}\0{value.shape}\0".encode())
        hashed.update(np.ascontiguousarray(value).data)
    return hashed.hexdigest()


class Cache:
    """The predictions used last, within `size` bytes and for `seconds`."""

    def __init__(self, size: int, seconds: float) -> None:
        self._kept: TTLCache[str, Outputs] = TTLCache(size, seconds, getsizeof=_bytes)
        self._lock = Lock()

    def find(self, key: str) -> Future[Outputs | None]:
        """Return what is known of a key."""
        found: Future[Outputs | None] = Future()
        with self._lock:
            found.set_result(self._kept.get(key))
        return found

    def keep(self, key: str, outputs: Outputs) -> None:
        """Remember a prediction, unless it is larger than the cache."""
        with self._lock:
            if _bytes(outputs) <= self._kept.maxsize:
                self._kept[key] = outputs


class SharedCache(Cache):
    """The same, and behind it one in Redis that all replicas share; without Redis it goes on alone."""

    def __init__(self, size: int, seconds: float, url: str) -> None:
        from redis import Redis

        super().__init__(size, seconds)
        self._seconds = int(seconds)
        self._redis = Redis.from_url(url, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S)
        self._pool = ThreadPoolExecutor(4, "redis")

    def find(self, key: str) -> Future[Outputs | None]:
        """Return what is known of a key here, else what Redis knows."""
        here = super().find(key)
        return here if here.result() is not None else self._pool.submit(self._ask, key)

    def keep(self, key: str, outputs: Outputs) -> None:
        """Remember a prediction here and in Redis."""
        super().keep(key, outputs)
        self._pool.submit(self._tell, key, outputs)

    def _ask(self, key: str) -> Outputs | None:
        from redis import RedisError

        try:
            found = self._redis.get(f"prediction:{key}")
        except RedisError:
            return None
        if not isinstance(found, bytes):
            return None
        with np.load(BytesIO(found), allow_pickle=False) as arrays:
            outputs = dict(arrays)
        super().keep(key, outputs)
        return outputs

    def _tell(self, key: str, outputs: Outputs) -> None:
        from redis import RedisError

        try:
            self._redis.set(f"prediction:{key}", as_npz(outputs), ex=self._seconds)
        except RedisError:
            return


def _bytes(outputs: Outputs) -> int:
    return sum(value.nbytes for value in outputs.values())
