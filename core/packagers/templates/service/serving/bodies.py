"""Bytes of the bodies that are held at once: many large requests together must not fill the memory."""

from __future__ import annotations

from typing import Any

from serving.errors import Refused


class Bodies:
    """Counts what requests hold, from their first byte until they are answered."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, dict[int, int]()

    def hold(self, request: Any, count: int) -> None:
        """Note that a request holds so many bytes.

        Raises:
            Refused: All together are too many.
        """
        self._held[id(request)] = count
        if sum(self._held.values()) > self._most:
            raise Refused(503, "Too many large requests at once. Try again.", headers={"Retry-After": "1"})

    def end(self, request: Any) -> None:
        """Forget a request, which holds nothing any more."""
        self._held.pop(id(request), None)
