"""Rate limit of each caller, shared by all replicas where there is Redis."""

from __future__ import annotations

from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from serving.errors import Refused


class RateLimit:
    """At most so many requests in any stretch of time, such as ``600/minute``."""

    def __init__(self, rate: str, redis_url: str = "") -> None:
        self._item = parse(rate)
        self._limiter = MovingWindowRateLimiter(storage_from_string(redis_url or "memory://"))

    def look(self, caller: str) -> None:
        """Look whether one more request may come, and count nothing.

        Raises:
            Refused: It would be one too many.
        """
        if not self._limiter.test(self._item, caller):
            raise self._spent(caller)

    def count(self, caller: str) -> None:
        """Count one request.

        Raises:
            Refused: It is one too many.
        """
        if not self._limiter.hit(self._item, caller):
            raise self._spent(caller)

    def _spent(self, caller: str) -> Refused:
        wait = max(1, round(self._limiter.get_window_stats(self._item, caller).reset_time - _now()))
        told = f"More than {self._item}. Try again in {wait} s."
        return Refused(429, told, headers={"Retry-After": str(wait)})


def _now() -> float:
    from time import time

    return time()
