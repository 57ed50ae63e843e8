"""Service of the Open Inference Protocol (KServe v2), over HTTP and gRPC."""

from __future__ import annotations

import importlib
import json
from typing import Any, ClassVar

import numpy as np

from core.packagers.serving.dialects import HUGE, bearer, changed, misfits
from core.packagers.serving.folder import Service
from core.packagers.serving.settings import MODEL
from core.protocols import Array, Dialect, Feed, Sent

ASK = """
## Ask it

It answers the Open Inference Protocol, version 2, for the model `{model}`: over HTTP at
`/v2/models/{model}/infer` with arrays in JSON or behind it (`binary_tensor_data`), and over gRPC on the
next port, as `open_inference.proto` has it. tritonclient and other clients of the protocol ask it as they
are; types are exact ({types}). `SERVICE_MODEL` gives the model another name. `/v2/health/ready` and
`/ready` say that the model gave the outputs of the measurement. A key goes into the header or metadata
`Authorization: Bearer KEY`. Errors over HTTP are `{{"error": …}}` with 400 for what does not fit, 401 key,
404 another model, 406 too many outputs for JSON, 408 slow body, 413 too large, 429 rate, 503 not ready or
too many wait, 504 too slow; over gRPC INVALID_ARGUMENT and what fits those.
"""
MODEL_INFER = "/inference.GRPCInferenceService/ModelInfer"
LENGTH = "Inference-Header-Content-Length"
TYPES = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"}


def datatype(value: Array) -> str:
    """Return the protocol's name of an array's type."""
    return TYPES.get(value.dtype.name, value.dtype.name.upper())


def messages() -> Any:
    """Return the messages of the protocol; protobuf is imported where they are needed."""
    return importlib.import_module("core.packagers.templates.service.kserve.open_inference_pb2")


def _array(kind: Any, shape: Any, data: bytes) -> Array:
    names = {theirs: ours for ours, theirs in TYPES.items()}
    return np.frombuffer(data, names.get(kind, str(kind).lower())).reshape(shape)


class InferHttp(Dialect):
    """`infer` over HTTP, arrays behind the JSON."""

    name: ClassVar[str] = "HTTP"
    path: ClassVar[str] = f"/v2/models/{MODEL}/infer"

    def _sent(self, inputs: list[Any], raw: bytes, key: str) -> Sent:
        head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
        return Sent(self.path, head + raw, {LENGTH: str(len(head)), **bearer(key)})

    def predict(self, feed: Feed, key: str = "", fresh: bool = False) -> Sent:
        """Return a request with arrays as bytes."""
        raw = [np.ascontiguousarray(value).tobytes() for value in feed.values()]
        inputs = [
            {
                **{"name": name, "datatype": datatype(value), "shape": list(value.shape)},
                "parameters": {"binary_data_size": len(data)},
            }
            for (name, value), data in zip(feed.items(), raw, strict=True)
        ]
        sent = self._sent(inputs, b"".join(raw), key)
        more = {"Cache-Control": "no-cache"} if fresh else {}
        return Sent(sent.path, sent.body, {**sent.headers, **more})

    def outputs(self, body: bytes) -> dict[str, Array]:
        """Return the arrays of an answer.

        Raises:
            ValueError: It is none.
        """
        try:
            head, end = json.JSONDecoder().raw_decode(body[: 1 << 20].decode("latin-1"))
            found, at = dict[str, Array](), end
            for each in head["outputs"]:
                size = each["parameters"]["binary_data_size"]
                found[each["name"]] = _array(each["datatype"], each["shape"], body[at : at + size])
                at += size
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("the answer is no inference") from error
        return found

    def wrong(self, feed: Feed, key: str = "") -> dict[str, tuple[int, Sent]]:
        """Return requests that do not fit, lie, or are something else."""
        (name, value), *_ = feed.items()
        told = {"name": name, "datatype": datatype(value), "shape": list(value.shape)}
        lying = [{**told, "shape": [1 << 40], "parameters": {"binary_data_size": 1 << 40}}]
        text = json.dumps({"inputs": [{**told, "data": ["x"]}]}).encode()
        nan = json.dumps({"inputs": [{**told, "shape": [1], "data": [float("nan")]}]}).encode()
        return {
            **{what: (400, self.predict(each, key)) for what, each in misfits(feed).items()},
            "an array that lies about its size": (400, self._sent(lying, b"", key)),
            "text for numbers": (400, Sent(self.path, text, bearer(key))),
            "NaN in JSON": (400, Sent(self.path, nan, bearer(key))),
            "no JSON": (400, Sent(self.path, b"[" * 5000, bearer(key))),
            "another model": (404, Sent("/v2/models/no-such/infer", b"{}", bearer(key))),
            "a body that claims a terabyte": (413, Sent(self.path, b"", bearer(key), HUGE)),
        }


class InferGrpc(Dialect):
    """`ModelInfer` over gRPC, arrays as bytes."""

    name: ClassVar[str] = "gRPC"
    transport: ClassVar[str] = "grpc"
    model: ClassVar[str] = MODEL

    def predict(self, feed: Feed, key: str = "", fresh: bool = False) -> Sent:
        """Return a call with arrays as bytes."""
        made = messages().ModelInferRequest
        inputs = [
            made.InferInputTensor(name=name, datatype=datatype(value), shape=value.shape)
            for name, value in feed.items()
        ]
        raw = [np.ascontiguousarray(value).tobytes() for value in feed.values()]
        request = made(model_name=self.model, inputs=inputs, raw_input_contents=raw)
        more = {"cache-control": "no-cache"} if fresh else {}
        return Sent(MODEL_INFER, request.SerializeToString(), {**bearer(key), **more})

    def outputs(self, body: bytes) -> dict[str, Array]:
        """Return the arrays of a response.

        Raises:
            ValueError: It is none.
        """
        try:
            found = messages().ModelInferResponse.FromString(body)
            pairs = zip(found.outputs, found.raw_output_contents, strict=True)
            return {each.name: _array(each.datatype, each.shape, data) for each, data in pairs}
        except Exception as error:  # protobuf's own, of a class that is not always there
            raise ValueError("the answer is no ModelInferResponse") from error

    def wrong(self, feed: Feed, key: str = "") -> dict[str, tuple[int, Sent]]:
        """Return calls that do not fit, or lie."""
        made, name = messages().ModelInferRequest, next(iter(feed))
        one = made.InferInputTensor(name=name, datatype="FP32", shape=[1 << 40])
        lying = made(model_name=self.model, inputs=[one], raw_input_contents=[b""])
        other = made(model_name="no-such").SerializeToString()
        nothing = changed(feed, lambda value: value[:0])
        return {
            **{what: (400, self.predict(each, key)) for what, each in misfits(feed).items()},
            "an array without rows": (400, self.predict(nothing, key)),
            "an array that lies about its size": (
                400,
                Sent(MODEL_INFER, lying.SerializeToString(), bearer(key)),
            ),
            "another model": (404, Sent(MODEL_INFER, other, bearer(key))),
        }


class Kserve(Service):
    """A folder that serves the model over the Open Inference Protocol."""

    id: ClassVar[str] = "kserve"
    name: ClassVar[str] = "KServe v2 service"
    summary: ClassVar[str] = (
        "The kit behind the Open Inference Protocol over HTTP and gRPC, as KServe and Triton speak it."
    )
    order: ClassVar[int] = 53
    serves: ClassVar[tuple[Dialect, ...]] = (InferHttp(), InferGrpc())
    framework: ClassVar[tuple[str, ...]] = (
        "fastapi",
        "uvicorn",
        "grpcio",
        "grpcio-health-checking",
        "protobuf",
    )
    parts: ClassVar[tuple[str, ...]] = ("on_grpc", "on_fastapi", "on_uvicorn")
    client: ClassVar[str] = "kserve"
    documented: ClassVar[str] = "/docs"
    asked: ClassVar[str] = ASK
    grpc_offset: ClassVar[int | None] = 1


PACKAGER = Kserve()
