"""What a request is refused with; the adapter of a framework turns it into its own kind of answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Refused(Exception):
    """A request that is not answered with a prediction.

    Args:
        status: HTTP status code.
        message: What is wrong and what to do, for the caller.
        where: Place in the request, such as ``("inputs", "image")``.
        headers: To answer with.
        details: Several errors at once, each with ``loc`` and ``msg``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        where: Sequence[str] = (),
        headers: dict[str, str] | None = None,
        details: Sequence[Any] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = headers or {}
        self._where, self._details = tuple(where), list(details)

    @property
    def told(self) -> str:
        """The message in one line, with the place of what it is about."""
        errors = self._details or [{"loc": self._where, "msg": self.message}]
        return "; ".join(
            ": ".join([*(["/".join(map(str, e["loc"]))] if e["loc"] else []), e["msg"]]) for e in errors
        )

    @property
    def body(self) -> dict[str, Any]:
        """The answer's body; a list of errors with their place for 422, as FastAPI gives it."""
        if self.status != 422:
            return {"detail": self.message}
        one = {"type": "value_error", "loc": ["body", *self._where], "msg": self.message}
        return {"detail": self._details or [one]}


def invalid(message: str, *where: str) -> Refused:
    """Return the refusal of an input that the model cannot take."""
    return Refused(422, message, where)
