"""What adapters over gRPC share: the server with its health, statuses, arrays as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import prod
from typing import Any

import grpc
import numpy as np
from grpc.aio import ServicerContext
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from serving.call import Call, address_of
from serving.errors import Refused
from serving.inputs import Array
from serving.service import CLOSING_S, Service

CODES = {
    **{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"},
    **{406: "INVALID_ARGUMENT", 413: "RESOURCE_EXHAUSTED", 422: "INVALID_ARGUMENT"},
    **{429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"},
}
MOST_CALLS, MOST_STREAMS, HANDSHAKE_MS, LOOK_S = 1024, 128, 10_000, 0.5
ROOM = 1 << 20
"""Bytes of a message besides its arrays."""


class Checks(health.aio.HealthServicer):
    """The health protocol: SERVING once the model gave the outputs of the measurement.

    Args:
        service: That it tells of.
        names: By which it is asked.
    """

    def __init__(self, service: Service, names: Sequence[str]) -> None:
        super().__init__()
        self._service, self._names = service, names

    async def look(self) -> None:
        """Set what is so now."""
        kinds = health_pb2.HealthCheckResponse
        status = kinds.SERVING if self._service.state()[0] else kinds.NOT_SERVING
        for name in self._names:
            await self.set(name, status)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answer what is so at this moment, not when it was looked at last."""
        await self.look()
        return await super().Check(request, context)


class GrpcServer:
    """A server over gRPC that runs in the event loop of the HTTP beside it.

    Args:
        service: That answers.
        handlers: Of its calls.
        names: Of its services, for the health protocol.
    """

    def __init__(
        self, service: Service, handlers: Sequence[grpc.GenericRpcHandler], names: Sequence[str]
    ) -> None:
        self.address, self.port = f"127.0.0.1:{service.settings.port}", 0
        self._service, self._handlers, self._names = service, handlers, ("", *names)
        self._server: Any = None
        self._looking: Any = None

    async def start(self) -> None:
        """Serve at `address`."""
        most = self._service.settings.max_body_bytes + ROOM
        options = [
            ("grpc.max_receive_message_length", most),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", MOST_STREAMS),
            ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
            ("grpc.so_reuseport", 0),
        ]
        self._server = grpc.aio.server(options=options, maximum_concurrent_rpcs=MOST_CALLS)
        self._server.add_generic_rpc_handlers(self._handlers)
        checks = Checks(self._service, self._names)
        health_pb2_grpc.add_HealthServicer_to_server(checks, self._server)
        self.port = self._server.add_insecure_port(self.address)
        await self._server.start()
        self._looking = asyncio.ensure_future(self._look(checks))

    async def _look(self, checks: Checks) -> None:
        """Keep those told who watch whether the service is ready."""
        while True:
            await checks.look()
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        """Answer what was begun, then end."""
        self._looking.cancel()
        await self._server.stop(CLOSING_S)


class GrpcCall(Call):
    """A call; `headers` are its metadata.

    Args:
        service: That answers.
        context: Of the call.
        more: Further headers.
    """

    def __init__(
        self, service: Service, context: ServicerContext, more: dict[str, str] | None = None
    ) -> None:
        given = context.invocation_metadata() or ()
        metadata = {name: value for name, value in given if isinstance(value, str)}
        # Such as ipv4:127.0.0.1:50051.
        peer = context.peer().partition(":")[2].rpartition(":")[0]
        super().__init__(service, {**metadata, **(more or {})}, address_of(peer, metadata))

    def trailing(self) -> tuple[tuple[str, str], ...]:
        """Return what the end of the call tells besides."""
        told = {"x-request-id": self.record.id, "server-timing": self.record.server_timing}
        told |= {"x-model-version": self.record.version} if self.record.version else {}
        told |= {"x-fallback": "1"} if self.record.fallback else {}
        return tuple(told.items())


def code_of(error: Refused) -> grpc.StatusCode:
    """Return the status of a refusal."""
    return grpc.StatusCode[CODES.get(error.status, "UNKNOWN")]


async def refuse(context: ServicerContext, error: Refused, trailing: tuple[tuple[str, str], ...]) -> None:
    """End a call with the reason why it was refused."""
    waiting = {name.lower(): value for name, value in error.headers.items() if name == "Retry-After"}
    await context.abort(code_of(error), error.told[:2000], (*trailing, *waiting.items()))


def array_of(dtype: str, shape: Sequence[int], data: bytes) -> Array:
    """Return an array out of its little-endian bytes.

    Raises:
        ValueError: The bytes are not those of such an array, or there is no such type.
    """
    try:
        kind = np.dtype(dtype)
    except TypeError as error:
        raise ValueError(f"there is no type {dtype[:40]!r}") from error
    if kind.kind not in "fiub" or kind.name != dtype:
        raise ValueError(f"expected a type of plain numbers, got {dtype[:40]!r}")
    if len(shape) > 32 or min(shape, default=0) < 0 or prod(shape) * kind.itemsize != len(data):
        raise ValueError(f"{len(data):,} bytes are no {dtype} of the shape {tuple(shape[:32])}")
    if kind.kind == "b" and data.strip(b"\0\1"):
        raise ValueError("expected true or false as bytes 1 and 0")
    return np.frombuffer(data, kind.newbyteorder("<")).reshape(shape).astype(kind)


def bytes_of(value: Array) -> bytes:
    """Return an array's bytes, row-major and little-endian."""
    return np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
