"""One prediction, from who asks to what is answered, in steps between which an adapter may wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Self

from serving.errors import Refused
from serving.inputs import Feed
from serving.worker import Answer

if TYPE_CHECKING:
    from serving.service import Service


def address_of(peer: str, headers: Mapping[str, str]) -> str:
    """Return for whom a request comes: proxies that FORWARDED_ALLOW_IPS names tell, others are the caller."""
    trusted = os.environ.get("FORWARDED_ALLOW_IPS", "").split(",")
    if "*" in trusted or peer in trusted:
        return headers.get("x-forwarded-for", peer).split(",")[-1].strip()
    return peer


class Call:
    """A request for a prediction, whatever the protocol. What is refused within it ends in `refused`.

        with Call(service, headers, address) as call:
            call.admit()
            answer = call.wait(feed)

    Args:
        service: That answers.
        headers: Of the request, by lower-case name.
        address: Of the caller.
    """

    def __init__(self, service: Service, headers: Mapping[str, str], address: str) -> None:
        self.service, self.headers, self.address = service, headers, address
        self.record = service.begin()
        self.refused: Refused | None = None
        self._name = address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Refused):
            self.refused = error
            self.record.status, self.record.error = error.status, error.message
        elif error is not None:
            self.record.status, self.record.error = 500, "unexpected"
        self.service.end(self.record)
        return self.refused is not None

    def admit(self) -> None:
        """Find out who asks, before anything of the request is read.

        Raises:
            Refused: The key is nobody's, or its rate is spent.
        """
        caller = self.service.caller(self.headers)
        self.record.caller = caller.name if caller is not None else ""
        self._name = self.record.caller or self.address
        if self.service.rate is not None:
            self.service.rate.look(self._name)

    def ask(self, feed: Feed) -> Future[Answer]:
        """Return the answer to come. Only what got so far counts to the rate: it asks the model.

        Raises:
            Refused: The inputs do not fit each other, the rate is spent, or too many requests wait.
        """
        self.record.feed, self.record.unit = feed, self.headers.get("x-split-key", self._name)
        fresh = "no-cache" in self.headers.get("cache-control", "")
        return self.service.predict(feed, self.record, fresh, self._name)

    def answered(self, answer: Answer) -> Answer:
        """Take note of an answer."""
        record = self.record
        record.outputs = answer.outputs
        record.version, record.batch = answer.version, answer.batch
        record.cached, record.fallback = answer.cached, answer.fallback
        record.stages |= {"queue": answer.queue_ms, "inference": answer.inference_ms}
        return answer

    def wait(self, feed: Feed) -> Answer:
        """Return the answer, in adapters that have a thread for each request.

        Raises:
            Refused: As `ask` does, or the model did not answer in time.
        """
        future = self.ask(feed)
        try:
            return self.answered(future.result(self.service.settings.timeout_s))
        except TimeoutError:
            future.cancel()
            raise self.late() from None

    async def arrived(self, feed: Feed) -> Answer:
        """Return the answer, in adapters on an event loop.

        Raises:
            Refused: As `ask` does, or the model did not answer in time.
        """
        future = asyncio.wrap_future(self.ask(feed))
        try:
            return self.answered(await asyncio.wait_for(future, self.service.settings.timeout_s))
        except TimeoutError:
            raise self.late() from None

    def late(self) -> Refused:
        """Return the refusal of a request that the model did not answer in time."""
        return Refused(504, f"The model did not answer within {self.service.settings.timeout_s:g} seconds.")
