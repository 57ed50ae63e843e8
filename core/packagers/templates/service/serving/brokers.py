"""Where messages come from and answers go: Redis streams and Kafka, behind one protocol.

Each delivers a message again, to another consumer of the group, where the first did not acknowledge it: at
least once, never lost.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

ABANDONED_MS = 60_000
"""A message that a consumer took and has not answered for so long goes to another one."""

SESSION_MS = 10_000
"""After which Kafka gives the partitions of a consumer that is gone to others."""


@dataclass(frozen=True)
class Message:
    """A request for a prediction: `place` is what the broker knows it by, `key` what its sender does."""

    place: Any
    key: bytes
    kind: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """A log of messages that a group of consumers shares."""

    def take(self, most: int, wait_s: float) -> list[Message]:
        """Return up to so many messages that no other consumer of the group has."""

    def answer(self, message: Message, status: int, kind: str, body: bytes) -> None:
        """Send the answer, then acknowledge the message."""

    def close(self) -> None:
        """Send what waits, and leave the group."""


class RedisStreams:
    """Entries with the fields `body`, `type` and, where the sender wants it back, `key`."""

    def __init__(self, url: str, source: str, target: str, group: str, name: str) -> None:
        from redis import Redis, ResponseError

        self._redis: Any = Redis.from_url(url)
        self._source, self._target, self._group, self._name = source, target, group, name
        # Adding an answer to anything else fails, and acknowledges the message all the same.
        if (kind := self._redis.type(target).decode()) not in ("none", "stream"):
            raise ValueError(f"{target} is a {kind} in Redis, not a stream. Choose another --to.")
        try:
            self._redis.xgroup_create(source, group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._looked, self._own = 0.0, True

    def take(self, most: int, wait_s: float) -> list[Message]:
        """Return first what this consumer had when it was ended, then what others left, then what is new."""
        taken = (self._group, self._name)
        if self._own:  # what it has already is not delivered again until it begins anew
            self._own = False
            mine = self._redis.xreadgroup(*taken, {self._source: "0"}, count=None)
            if found := self._messages(mine[0][1] if mine else []):
                return found
        if time.monotonic() - self._looked > ABANDONED_MS / 1e3:
            self._looked = time.monotonic()
            left = self._redis.xautoclaim(self._source, *taken, ABANDONED_MS, count=most)
            if found := self._messages(left[1]):
                return found
        read = self._redis.xreadgroup(
            *taken, {self._source: ">"}, count=most, block=max(1, int(1e3 * wait_s))
        )
        return self._messages(read[0][1] if read else [])

    def _messages(self, entries: Sequence[Any]) -> list[Message]:
        """Return entries as messages; of one that was deleted there is nothing to answer."""
        return [
            Message(
                place, held.get(b"key", b""), held.get(b"type", b"").decode("latin1"), held.get(b"body", b"")
            )
            for place, held in entries
            if held
        ]

    def answer(self, message: Message, status: int, kind: str, body: bytes) -> None:
        """Add the answer and acknowledge, both or neither."""
        fields = {"to": message.place, "key": message.key, "status": status, "type": kind, "body": body}
        with self._redis.pipeline(transaction=True) as both:
            both.xadd(self._target, fields)
            both.xack(self._source, self._group, message.place)
            both.execute()

    def close(self) -> None:
        """Leave."""
        self._redis.close()


class Kafka:
    """Records whose header `type` says what their value is; `pip install confluent-kafka`.

    An offset is committed once it and all before it were answered.
    """

    def __init__(self, servers: str, source: str, target: str, group: str, name: str) -> None:
        from confluent_kafka import Consumer, Producer

        about = {"bootstrap.servers": servers, "client.id": name}
        self._target, self._open = target, dict[Any, list[int]]()
        self._producer: Any = Producer({**about, "enable.idempotence": True})
        self._consumer: Any = Consumer(
            {
                **about,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": SESSION_MS,
            }
        )
        self._consumer.subscribe([source], on_revoke=self._revoked)

    def take(self, most: int, wait_s: float) -> list[Message]:
        """Return new records."""
        found = [each for each in self._consumer.consume(most, wait_s) if each.error() is None]
        for each in found:
            self._open.setdefault((each.topic(), each.partition()), []).append(each.offset())
        return [
            Message(
                (each.topic(), each.partition(), each.offset()),
                each.key() or b"",
                dict(each.headers() or []).get("type", b"").decode("latin1"),
                each.value() or b"",
            )
            for each in found
        ]

    def answer(self, message: Message, status: int, kind: str, body: bytes) -> None:
        """Send the answer, wait until it is kept, and commit what is answered without a gap."""
        from confluent_kafka import TopicPartition

        topic, partition, offset = message.place
        headers = [("type", kind.encode()), ("status", str(status).encode())]
        self._producer.produce(self._target, body, message.key or None, headers=headers)
        if self._producer.flush(60):
            raise ConnectionError("Kafka did not take the answer within 60 seconds.")
        waiting = self._open.get((topic, partition), [])
        if offset in waiting:
            first = min(waiting)
            waiting.remove(offset)
            upto = min(waiting, default=offset + 1)
            if upto > first:
                self._consumer.commit(offsets=[TopicPartition(topic, partition, upto)], asynchronous=False)

    def _revoked(self, _: Any, partitions: Sequence[Any]) -> None:
        for each in partitions:
            self._open.pop((each.topic, each.partition), None)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def broker(url: str, source: str, target: str, group: str, name: str) -> Broker:
    """Return what an address stands for: ``redis://…``, ``rediss://…``, or ``kafka://host:port,host:port``.

    Raises:
        ValueError: It is another kind of address, or answers would come back as requests.
    """
    if source == target:
        raise ValueError(f"Requests and answers cannot both be in {source}: choose another --to.")
    scheme, _, rest = url.partition("://")
    if scheme == "kafka":
        return Kafka(rest.rstrip("/"), source, target, group, name)
    if scheme in ("redis", "rediss", "unix"):
        return RedisStreams(url, source, target, group, name)
    raise ValueError(f"{url} begins neither with redis:// nor with kafka://.")
