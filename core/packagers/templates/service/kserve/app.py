"""The service over the Open Inference Protocol (KServe v2): HTTP here, gRPC beside it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import grpc
import numpy as np
import open_inference_pb2 as messages
from fastapi import Request, Response
from grpc.aio import ServicerContext
from v2 import NAMES, TYPES, V2Call, dtype_of, metadata

from serving.errors import Refused, invalid
from serving.http import Http, reply_json
from serving.inputs import Array, Feed, checked_feed
from serving.on_fastapi import address, application, read, response
from serving.on_grpc import GrpcCall, GrpcServer, array_of, bytes_of, refuse
from serving.service import Service
from serving.settings import Settings
from serving.worker import Answer

NAME = "inference.GRPCInferenceService"
EXTENSIONS = ["binary_tensor_data"]
CONTENTS = {
    **{"BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents"},
    **{"INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents"},
    **{"UINT32": "uint_contents", "UINT64": "uint64_contents"},
    **{"FP32": "fp32_contents", "FP64": "fp64_contents"},
}
"""Where values lie that are no bytes, by type."""
settings = Settings.read()
service = Service(settings)
http = Http(service)


def known(name: str, version: str = "") -> None:
    """Look whether a model and version answer here.

    Raises:
        Refused: It is another one.
    """
    if name != settings.model or version not in ("", service.active.name):
        raise Refused(404, f"There is no model {name[:64]!r} {version[:64]}; this is {settings.model}.")


async def answered(
    request: messages.ModelInferRequest, context: ServicerContext
) -> messages.ModelInferResponse:
    """Answer a prediction over gRPC, or refuse it with a status."""
    with GrpcCall(service, context) as call:
        call.admit()
        known(request.model_name, request.model_version)
        with call.record.stage("validate"):
            feed = feed_of(request)
        answer = await call.arrived(feed)
        with call.record.stage("encode"):
            made = response_of(request, answer)
    if call.refused is not None:
        await refuse(context, call.refused, call.trailing())
    context.set_trailing_metadata(call.trailing())
    return made


def feed_of(request: messages.ModelInferRequest) -> Feed:
    """Return the checked inputs of a request: all as bytes, or all as values."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise invalid(f"there are {len(request.inputs)} inputs and {len(raw)} raw_input_contents", "inputs")
    if raw:
        named = [
            (each.name, partial(_raw, each, data)) for each, data in zip(request.inputs, raw, strict=True)
        ]
    else:
        named = [(each.name, partial(_listed, each)) for each in request.inputs]
    return checked_feed(settings, named)


def _raw(each: Any, data: bytes) -> Array:
    return array_of(dtype_of(each.datatype), each.shape, data)


def _listed(each: Any) -> Array:
    if each.datatype not in CONTENTS:
        raise ValueError(f"expected raw_input_contents for the datatype {each.datatype[:20]!r}")
    values = np.array(getattr(each.contents, CONTENTS[each.datatype]))
    wanted = np.dtype(NAMES[each.datatype])
    if wanted.kind in "iu" and values.size:
        bounds = np.iinfo(wanted)
        if values.min() < bounds.min or values.max() > bounds.max:
            raise ValueError(f"expected values that {wanted} can hold")
    return values.astype(wanted).reshape(each.shape)


def response_of(request: messages.ModelInferRequest, answer: Answer) -> messages.ModelInferResponse:
    """Return an answer as bytes, as the protocol's clients expect it."""
    names = [each.name for each in request.outputs] or list(answer.outputs)
    if unknown := [name for name in names if name not in answer.outputs]:
        raise invalid(f"there is no output {unknown[0][:80]!r}; this model gives {', '.join(answer.outputs)}")
    if len(set(names)) < len(names):
        raise invalid("an output is asked for twice", "outputs")
    found = [(name, answer.outputs[name]) for name in names]
    outputs = [
        messages.ModelInferResponse.InferOutputTensor(name=n, datatype=TYPES[v.dtype.name], shape=v.shape)
        for n, v in found
    ]
    raw = [bytes_of(value) for _, value in found]
    return messages.ModelInferResponse(
        model_name=settings.model,
        model_version=answer.version,
        id=request.id,
        outputs=outputs,
        raw_output_contents=raw,
    )


async def model_metadata(request: messages.ModelMetadataRequest, context: ServicerContext) -> Any:
    """Say what the model takes and gives."""
    try:
        known(request.name, request.version)
    except Refused as error:
        await refuse(context, error, ())
    told = metadata(settings, [service.active.name])
    kind = messages.ModelMetadataResponse.TensorMetadata
    return messages.ModelMetadataResponse(
        **told | {side: [kind(**each) for each in told[side]] for side in ("inputs", "outputs")}
    )


async def server_metadata(_: Any, __: ServicerContext) -> messages.ServerMetadataResponse:
    """Say what this is."""
    return messages.ServerMetadataResponse(
        name=settings.name, version=service.active.name, extensions=EXTENSIONS
    )


async def server_live(_: Any, __: ServicerContext) -> messages.ServerLiveResponse:
    """Say that the process lives."""
    return messages.ServerLiveResponse(live=True)


async def server_ready(_: Any, __: ServicerContext) -> messages.ServerReadyResponse:
    """Say whether the model gave the outputs of the measurement."""
    return messages.ServerReadyResponse(ready=service.state()[0])


async def model_ready(request: messages.ModelReadyRequest, _: ServicerContext) -> messages.ModelReadyResponse:
    """Say whether a model answers."""
    there = request.name == settings.model and request.version in ("", service.active.name)
    return messages.ModelReadyResponse(ready=there and service.state()[0])


def handler(answer: Any, request: Any) -> Any:
    """Return how a call is answered."""
    made = grpc.unary_unary_rpc_method_handler
    return made(answer, request.FromString, lambda response: response.SerializeToString())


CALLS = {
    "ModelInfer": handler(answered, messages.ModelInferRequest),
    "ModelMetadata": handler(model_metadata, messages.ModelMetadataRequest),
    "ModelReady": handler(model_ready, messages.ModelReadyRequest),
    "ServerMetadata": handler(server_metadata, messages.ServerMetadataRequest),
    "ServerLive": handler(server_live, messages.ServerLiveRequest),
    "ServerReady": handler(server_ready, messages.ServerReadyRequest),
}
server = GrpcServer(service, [grpc.method_handlers_generic_handler(NAME, CALLS)], [NAME])
app = application(http, server)


@app.post("/v2/models/{name}/infer")
@app.post("/v2/models/{name}/versions/{version}/infer")
async def infer(request: Request, name: str, version: str = "") -> Response:
    """Predict."""
    with V2Call(http, request.headers, address(request)) as call:
        call.admit()
        known(name, version)
        body = await read(request, call.incoming, settings.timeout_s)
        feed = call.validate(body) if call.quick else await asyncio.to_thread(call.validate, body)
        await call.arrived(feed)
    return response(call.reply)


@app.get("/v2")
async def about() -> Response:
    """Say what this is."""
    told = {"name": settings.name, "version": service.active.name, "extensions": EXTENSIONS}
    return response(reply_json(told))


@app.get("/v2/health/live")
async def live() -> Response:
    """Say that the process lives."""
    return Response()


@app.get("/v2/health/ready")
@app.get("/v2/models/{name}/ready")
@app.get("/v2/models/{name}/versions/{version}/ready")
async def ready(name: str = settings.model, version: str = "") -> Response:
    """Say whether the model gave the outputs of the measurement."""
    there = name == settings.model and version in ("", service.active.name)
    return Response(status_code=200 if there and service.state()[0] else 503)


@app.get("/v2/models/{name}")
@app.get("/v2/models/{name}/versions/{version}")
async def model(name: str, version: str = "") -> Response:
    """Say what the model takes and gives."""
    try:
        known(name, version)
    except Refused as error:
        return response(reply_json({"error": error.told}, error.status))
    return response(reply_json(metadata(settings, [service.active.name])))
