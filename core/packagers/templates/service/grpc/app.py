"""The service over gRPC, as predict.proto has it; health, metrics and versions over HTTP beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc.aio import ServicerContext
from predict_pb2 import (
    DescribeRequest,
    DescribeResponse,
    Error,
    PredictRequest,
    PredictResponse,
    Tensor,
    TensorSpec,
)

from serving.http import Http
from serving.inputs import Feed, checked_feed
from serving.on_fastapi import application
from serving.on_grpc import GrpcCall, GrpcServer, array_of, bytes_of, code_of, refuse
from serving.service import Service
from serving.settings import Settings
from serving.worker import Answer

NAME = "prediction.v1.Prediction"
WINDOW = 16
"""Predictions of a stream that wait for the model at once."""
settings = Settings.read()
service = Service(settings)


async def predict(request: PredictRequest, context: ServicerContext) -> PredictResponse:
    """Answer one request, or refuse it with a status."""
    call = await answered(request, context)
    if call.refused is not None:
        await refuse(context, call.refused, call.trailing())
    context.set_trailing_metadata(call.trailing())
    return call.response


async def predict_stream(requests: Any, context: ServicerContext) -> AsyncIterator[PredictResponse]:
    """Answer requests in their order, several of them on their way to the model."""
    begun: asyncio.Queue[Any] = asyncio.Queue(WINDOW)

    async def take() -> None:
        try:
            async for request in requests:
                await begun.put(asyncio.ensure_future(answered(request, context)))
        finally:
            await begun.put(None)

    taking = asyncio.ensure_future(take())
    try:
        while (waiting := await begun.get()) is not None:
            yield (await waiting).response
    finally:
        taking.cancel()


class PredictCall(GrpcCall):
    """A request and its response."""

    response: PredictResponse


async def answered(request: PredictRequest, context: ServicerContext) -> PredictCall:
    """Return a request that was answered or refused."""
    with PredictCall(service, context, {"cache-control": "no-cache"} if request.fresh else None) as call:
        call.admit()
        with call.record.stage("validate"):
            feed = feed_of(request)
        answer = await call.arrived(feed)
        with call.record.stage("encode"):
            call.response = response_of(answer)
    if call.refused is not None:
        told = Error(code=code_of(call.refused).value[0], message=call.refused.told)
        call.response = PredictResponse(error=told)
    call.response.id, call.response.request_id = request.id, call.record.id
    return call


def feed_of(request: PredictRequest) -> Feed:
    """Return the checked inputs of a request."""
    named = ((name, lambda t=t: array_of(t.dtype, t.shape, t.data)) for name, t in request.inputs.items())
    return checked_feed(settings, named)


def response_of(answer: Answer) -> PredictResponse:
    """Return an answer as predict.proto has it."""
    outputs = {
        name: Tensor(dtype=str(value.dtype), shape=value.shape, data=bytes_of(value))
        for name, value in answer.outputs.items()
    }
    return PredictResponse(outputs=outputs, version=answer.version, fallback=answer.fallback)


async def describe(_: DescribeRequest, __: ServicerContext) -> DescribeResponse:
    """Say what the model takes and gives."""
    inputs, outputs = ([_spec(each) for each in specs] for specs in (settings.inputs, settings.outputs))
    version = service.active.name
    return DescribeResponse(
        name=settings.name, version=version, inputs=inputs, outputs=outputs, classes=settings.classes
    )


def _spec(spec: Any) -> TensorSpec:
    shape = [size if isinstance(size, int) else -1 for size in spec.shape]
    return TensorSpec(name=spec.name, dtype=spec.dtype, shape=shape, meaning=spec.meaning)


def handler(kind: Any, answer: Any, request: Any) -> Any:
    """Return how a call is answered."""
    return kind(answer, request.FromString, lambda response: response.SerializeToString())


CALLS = {
    "Predict": handler(grpc.unary_unary_rpc_method_handler, predict, PredictRequest),
    "PredictStream": handler(grpc.stream_stream_rpc_method_handler, predict_stream, PredictRequest),
    "Describe": handler(grpc.unary_unary_rpc_method_handler, describe, DescribeRequest),
}
server = GrpcServer(service, [grpc.method_handlers_generic_handler(NAME, CALLS)], [NAME])
app = application(Http(service), server)
