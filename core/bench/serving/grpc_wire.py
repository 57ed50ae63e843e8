"""Calls over gRPC, as bytes: the messages are the business of dialects."""

from __future__ import annotations

from typing import Any

from core.bench.serving.wire import ADDRESS, LONGEST_BODY, Reply, timing
from core.protocols import Sent

# Each client has a connection of its own, as over HTTP.
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", LONGEST_BODY))
STATUSES = {
    0: 200,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    9: 400,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    16: 401,
}
"""HTTP statuses of gRPC's codes. Source: google/rpc/code.proto."""
Prepared = tuple[str, bytes, tuple[tuple[str, str], ...]]


class GrpcConnection:
    """A channel to a port of the loopback, opened on the first call."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._channel: Any = None

    def prepared(self, sent: Sent) -> Prepared:
        """Return a call as `ask` takes it."""
        return sent.path, sent.body, tuple((name.lower(), value) for name, value in sent.headers.items())

    async def ask(self, call: Prepared, patience_s: float) -> Reply:
        """Make a call and return its answer, without one after `patience_s` seconds."""
        from grpc.aio import AioRpcError, insecure_channel

        path, body, metadata = call
        self._channel = self._channel or insecure_channel(f"{ADDRESS}:{self._port}", OPTIONS)
        made = self._channel.unary_unary(path)(body, timeout=patience_s, metadata=metadata)
        try:
            answer = bytes(await made)
            told = dict(await made.trailing_metadata() or ())
        except AioRpcError as error:
            return Reply(STATUSES.get(error.code().value[0], 500))
        return Reply(200, answer, timing(str(told.get("server-timing", ""))[:1000]))

    async def close(self) -> None:
        """Close it."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
