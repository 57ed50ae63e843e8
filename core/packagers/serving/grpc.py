"""gRPC service with a protocol of its own, the health protocol, and a streaming call."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

import numpy as np

from core.packagers.serving.dialects import bearer, misfits
from core.packagers.serving.folder import Service
from core.protocols import Array, Dialect, Feed, Sent

ASK = """
## Ask it

`predict.proto` has the calls: `Predict`; `PredictStream`, which answers requests in their order and ends
for none that is refused; `Describe`. An array is its type, shape and bytes ({types}). Clients of other
languages are generated from it; `client.py` is one in Python. A key goes into the metadata as
`authorization: Bearer KEY`. The health protocol says whether the model gave the outputs of the measurement;
so does `GET /ready` over HTTP on the next port, where metrics, prediction log and versions are, too. The
trailing metadata say where the time went. Errors: INVALID_ARGUMENT with the place of what does not fit,
UNAUTHENTICATED, RESOURCE_EXHAUSTED for what is too large and for a spent rate, UNAVAILABLE where it is not
ready or too many wait, DEADLINE_EXCEEDED.
"""
METHOD = "/prediction.v1.Prediction/Predict"


def messages() -> Any:
    """Return the messages of `predict.proto`; protobuf is imported where they are needed."""
    return importlib.import_module("core.packagers.templates.service.grpc.predict_pb2")


class PredictGrpc(Dialect):
    """`Predict` of `predict.proto`."""

    name: ClassVar[str] = "gRPC"
    transport: ClassVar[str] = "grpc"

    def predict(self, feed: Feed, key: str = "", fresh: bool = False) -> Sent:
        """Return a call with arrays as bytes."""
        made = messages()
        inputs = {
            name: made.Tensor(
                dtype=str(value.dtype), shape=value.shape, data=np.ascontiguousarray(value).tobytes()
            )
            for name, value in feed.items()
        }
        request = made.PredictRequest(inputs=inputs, fresh=fresh)
        return Sent(METHOD, request.SerializeToString(), bearer(key))

    def outputs(self, body: bytes) -> dict[str, Array]:
        """Return the arrays of a response.

        Raises:
            ValueError: It is none.
        """
        try:
            found = messages().PredictResponse.FromString(body).outputs
            return {n: np.frombuffer(t.data, t.dtype).reshape(t.shape) for n, t in found.items()}
        except Exception as error:  # protobuf's own, of a class that is not always there
            raise ValueError("the answer is no PredictResponse") from error

    def wrong(self, feed: Feed, key: str = "") -> dict[str, tuple[int, Sent]]:
        """Return calls that do not fit, lie, or are something else."""
        made, name = messages(), next(iter(feed))
        lying = made.PredictRequest(inputs={name: made.Tensor(dtype="float32", shape=[1 << 40], data=b"")})
        kinds = made.PredictRequest(inputs={name: made.Tensor(dtype="O", shape=[1], data=bytes(8))})
        return {
            **{what: (400, self.predict(each, key)) for what, each in misfits(feed).items()},
            "an array that lies about its size": (400, Sent(METHOD, lying.SerializeToString(), bearer(key))),
            "an array of objects": (400, Sent(METHOD, kinds.SerializeToString(), bearer(key))),
            "an unknown method": (501, Sent("/prediction.v1.Prediction/Nothing", b"", bearer(key))),
        }


class Grpc(Service):
    """A folder that serves the model over gRPC."""

    id: ClassVar[str] = "grpc"
    name: ClassVar[str] = "gRPC service"
    summary: ClassVar[str] = (
        "The kit behind a .proto of its own, with a streaming call and the health protocol, for callers that "
        "generate their clients."
    )
    order: ClassVar[int] = 52
    serves: ClassVar[tuple[Dialect, ...]] = (PredictGrpc(),)
    framework: ClassVar[tuple[str, ...]] = (
        "grpcio",
        "grpcio-health-checking",
        "protobuf",
        "fastapi",
        "uvicorn",
    )
    parts: ClassVar[tuple[str, ...]] = ("on_grpc", "on_fastapi", "on_uvicorn")
    client: ClassVar[str] = "grpc"
    asked: ClassVar[str] = ASK
    http_offset: ClassVar[int] = 1
    grpc_offset: ClassVar[int | None] = 0

    def address(self, port: int) -> str:
        """Return where it is asked on this machine."""
        return f"127.0.0.1:{port}"


PACKAGER = Grpc()
