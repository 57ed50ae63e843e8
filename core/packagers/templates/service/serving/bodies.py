"""Bytes of requests: how many one may have, and all that are held at once, which must not fill the memory."""

from __future__ import annotations

from serving.errors import Refused


class Bodies:
    """Counts what requests hold together.

    Args:
        most: Bytes of all.
    """

    def __init__(self, most: int) -> None:
        self._most, self._held = most, dict[int, int]()

    def hold(self, request: Incoming, count: int) -> None:
        """Note that a request holds so many bytes; none of it once that is 0.

        Raises:
            Refused: All together are too many.
        """
        if not count:
            self._held.pop(id(request), None)
            return
        self._held[id(request)] = count
        # A copy: other threads come and go meanwhile.
        if sum(list(self._held.values())) > self._most:
            raise Refused(503, "Too many large requests at once. Try again.", headers={"Retry-After": "1"})


class Incoming:
    """The body of one request while it comes in.

    Args:
        bodies: All of them.
        most: Bytes that it may have.
        instead: What to do where it has more.
    """

    def __init__(self, bodies: Bodies, most: int, instead: str = "") -> None:
        self._bodies, self._most, self._instead = bodies, most, instead
        self.bytes = 0

    def expect(self, declared: str | None) -> None:
        """Look at the length that a request says it has.

        Raises:
            Refused: It is too much, or no length.
        """
        if declared and (not declared.isdecimal() or len(declared) > 18 or int(declared) > self._most):
            raise self._too_large()

    def hold(self, count: int) -> None:
        """Note that so many bytes came.

        Raises:
            Refused: They are too many, of this request or of all together.
        """
        self.bytes = count
        if count > self._most:
            raise self._too_large()
        self._bodies.hold(self, count)

    def end(self) -> None:
        """Hold nothing any more."""
        self._bodies.hold(self, 0)

    def _too_large(self) -> Refused:
        return Refused(413, f"The body is larger than {self._most:,} bytes.{self._instead}")
