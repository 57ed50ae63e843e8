"""How a kind of service is spoken with: what a trial sends it, and how its answers are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from core.protocols.artifacts import Array, Feed


@dataclass(frozen=True)
class Sent:
    """A request.

    Attributes:
        path: Of the address; of gRPC the method, such as ``/package.Service/Method``.
        body: Its bytes; a GET without one over HTTP where `posts` is off.
        headers: By name; of gRPC metadata.
        length: That is claimed over HTTP; None for the true one.
        posts: Whether it is a POST.
    """

    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    posts: bool = True


class Dialect(ABC):
    """One protocol that a service answers. It does no input or output itself.

    Statuses are those of HTTP; gRPC's codes count as what they are mapped to there: INVALID_ARGUMENT is 400,
    UNAUTHENTICATED 401, RESOURCE_EXHAUSTED 429, UNIMPLEMENTED 501, UNAVAILABLE 503.

    Attributes:
        name: For people, such as ``HTTP``.
        transport: ``http`` or ``grpc``.
    """

    name: ClassVar[str]
    transport: ClassVar[str] = "http"

    @abstractmethod
    def predict(self, feed: Feed, key: str = "", fresh: bool = False) -> Sent:
        """Return a request for a prediction.

        Args:
            feed: Arrays by input.
            key: API key; empty without one.
            fresh: The model is to be asked, whatever a cache knows.
        """

    @abstractmethod
    def outputs(self, body: bytes) -> dict[str, Array]:
        """Return the outputs by name out of an answer, which may be anything.

        Raises:
            ValueError: It is none.
        """

    def wrong(self, feed: Feed, key: str = "") -> dict[str, tuple[int, Sent]]:
        """Return what must be refused, by what is wrong: the status of a clear error, and the request.

        Args:
            feed: One that is right.
            key: API key.
        """
        return {}

    def ready(self) -> Sent:
        """Return what asks, over HTTP whatever the transport, whether it is ready; 200 says so."""
        return Sent("/ready", posts=False)
