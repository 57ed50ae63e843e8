"""The service over HTTP with FastAPI. `python serve.py` runs it; /docs shows what it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from html import escape
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from serving.bodies import Bodies
from serving.errors import Refused, invalid
from serving.inputs import Feed, from_npz
from serving.outputs import as_json, as_npz, best_classes
from serving.record import Record
from serving.schema import feed_of, openapi_schema, request_model
from serving.service import Service
from serving.settings import Settings
from serving.worker import Answer

NPZ = ("application/x-npz", "application/octet-stream")
MOST_BODIES, MOST_DECODERS = 16, 4
"""Bodies of the largest size whose bytes may be held at once, and images that are unfolded at once."""
settings = Settings.read()
service = Service(settings)
PredictRequest = request_model(settings)
bodies = Bodies(MOST_BODIES * settings.max_body_bytes)
decoders = asyncio.Semaphore(MOST_DECODERS)
BODY: dict[str, Any] = {
    "application/json": {"schema": openapi_schema(PredictRequest)},
    NPZ[0]: {
        "schema": {"type": "string", "format": "binary", "description": "numpy.savez: one array per input"}
    },
}
if settings.picture is not None:
    picture = {"type": "object", "properties": {"image": {"type": "string", "format": "binary"}}}
    BODY |= {
        "multipart/form-data": {"schema": picture},
        "image/*": {"schema": {"type": "string", "format": "binary"}},
    }


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Load the model in the background; answer what waits before the end."""
    service.start()
    yield
    await asyncio.to_thread(service.close)


# FastAPI puts the title into the HTML of /docs as it is.
app = FastAPI(title=escape(settings.name), lifespan=lifespan)


@app.post("/predict", openapi_extra={"requestBody": {"required": True, "content": BODY}})
async def predict(request: Request) -> Response:
    """Predict: JSON, .npz or an image in; JSON or .npz out, as the header Accept says."""
    try:
        return await recorded(lambda record: answered(request, record))
    finally:
        bodies.end(request)


async def recorded(answer: Callable[[Record], Awaitable[Response]]) -> Response:
    """Answer, or say why not, and take note of it."""
    record = service.begin()
    try:
        response = await answer(record)
        response.headers["Server-Timing"] = record.server_timing
    except Refused as error:
        record.status, record.error = error.status, error.message
        response = JSONResponse(error.body, error.status, error.headers)
    except Exception:
        record.status, record.error = 500, "unexpected"
        raise
    finally:
        service.end(record)
    response.headers["X-Request-Id"] = record.id
    return response


async def answered(request: Request, record: Record) -> Response:
    """Return the prediction for a request."""
    record.caller = caller_name(admitted(request))
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = await read(request)
    with record.stage("validate"):
        feed, placed = await feed_from(request, kind, body)
    fresh = "no-cache" in request.headers.get("cache-control", "")
    answer = await waited(service.predict(feed, record, fresh))
    record.version, record.batch = answer.version, answer.batch
    record.cached, record.fallback = answer.cached, answer.fallback
    record.stages |= {"queue": answer.queue_ms, "inference": answer.inference_ms}
    with record.stage("encode"):
        return encoded(request, kind, answer, placed)


def admitted(request: Request) -> Any:
    """Return who asks, by the key in the headers or the address."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    address = request.client.host if request.client else ""
    return service.admit(given or request.headers.get("x-api-key", ""), address)


def caller_name(caller: Any) -> str:
    """Return the name of the key; empty where none is asked for."""
    return caller.name if caller is not None else ""


async def read(request: Request) -> bytes:
    """Return the body, not longer and not for longer than the settings allow."""
    most, body = settings.max_body_bytes, bytearray()
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise Refused(413, f"The body is larger than {most:,} bytes.")
    try:
        async with asyncio.timeout(settings.timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise Refused(413, f"The body is larger than {most:,} bytes.")
                bodies.hold(request, len(body))
    except TimeoutError:
        raise Refused(408, f"The body did not come within {settings.timeout_s:g} seconds.") from None
    return bytes(body)


async def feed_from(request: Request, kind: str, body: bytes) -> tuple[Feed, Any]:
    """Return the checked inputs, and where the picture lies in them if it was one."""
    if kind in NPZ:
        return from_npz(settings, body), None
    if kind == "application/json":
        return feed_of(PredictRequest, settings, body), None
    if settings.picture is not None and (kind.startswith("image/") or kind == "multipart/form-data"):
        from serving.images import read_image

        image = await uploaded(request, body) if kind == "multipart/form-data" else body
        async with decoders:
            array, placed = await asyncio.to_thread(read_image, image, settings.picture)
        return {settings.picture.input: array}, placed
    taken = ", ".join(BODY)
    raise Refused(415, f"Send one of {taken} and say which in the header Content-Type.")


async def uploaded(request: Request, body: bytes) -> bytes:
    """Return the file `image` of a form."""
    from starlette.datastructures import UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(request.headers, whole(), max_files=1, max_fields=4).parse()
    except MultiPartException as error:
        raise invalid(f"expected a form with one file named image: {error}") from error
    image = form.get("image")
    if not isinstance(image, UploadFile):
        raise invalid("expected a file", "image")
    return await image.read()


async def waited(answer: Future[Answer]) -> Answer:
    """Return the answer, if it comes in time."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), settings.timeout_s)
    except TimeoutError:
        raise Refused(504, f"The model did not answer within {settings.timeout_s:g} seconds.") from None


def encoded(request: Request, kind: str, answer: Answer, placed: Any) -> Response:
    """Return outputs in the form that was asked for, with what they mean."""
    accepts = request.headers.get("accept", "*/*")
    headers = {"X-Model-Version": answer.version} | ({"X-Fallback": "1"} if answer.fallback else {})
    if any(each in accepts for each in NPZ) or (kind in NPZ and "json" not in accepts):
        return Response(as_npz(answer.outputs), media_type=NPZ[0], headers=headers)
    told: dict[str, Any] = {"version": answer.version}
    if settings.scores:
        told["top"] = best_classes(settings, answer.outputs)
    if settings.detects:
        told["detections"] = detections(answer, placed)
    body = as_json(settings, answer.outputs if placed is None or len(told) == 1 else {}, told)
    return Response(body, media_type="application/json", headers=headers)


def detections(answer: Answer, placed: Any) -> list[list[dict[str, Any]]]:
    """Return the boxes of each picture, in pixels of the picture that was sent."""
    how = service.kit.manifest["detections"]
    found = []
    for table in service.kit.predict.detections(answer.outputs):
        boxes = []
        for *corners, score, number in table[table[:, 4] >= how["least"]].tolist():
            x1, y1, x2, y2 = corners
            if placed is not None:
                (x1, y1), (x2, y2) = placed.back(x1, y1), placed.back(x2, y2)
            name = how["classes"].get(str(int(number)), str(int(number)))
            boxes.append({"class": name, "score": score, "box": [x1, y1, x2, y2]})
        found.append(boxes)
    return found


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that the process lives."""
    return {"status": "alive"}


@app.get("/ready")
async def ready() -> JSONResponse:
    """Say whether the model is loaded and gave the outputs of the measurement for the golden inputs."""
    found, state = service.state()
    return JSONResponse(state, 200 if found else 503)


if service.metrics is not None:

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return metrics for Prometheus."""
        return Response(service.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


if (logged := service.predictions) is not None:
    kept = logged

    @app.get("/watch")
    async def watch(request: Request) -> Response:
        """Return traffic, latency, predictions against the evaluation data, drift and alerts."""
        return await from_log(request, lambda _: kept.report())

    @app.post("/labels")
    async def labels(request: Request) -> Response:
        """Take true labels by the X-Request-Id of predictions: {"labels": [{"id": …, "label": …}]}."""
        return await from_log(request, kept.label)


async def from_log(request: Request, use: Callable[[bytes], dict[str, Any]]) -> Response:
    """Answer out of the prediction log, for callers who may ask."""
    try:
        admitted(request)
        return JSONResponse(await asyncio.to_thread(use, await read(request)))
    except Refused as error:
        return JSONResponse(error.body, error.status, error.headers)
    finally:
        bodies.end(request)


if settings.has("versions"):

    @app.get("/versions")
    async def versions(request: Request) -> Response:
        """Return the versions that are there, and which one answers."""
        return await changed(request, lambda _: None)

    @app.post("/versions/{name}/activate")
    async def activate(request: Request, name: str) -> Response:
        """Let a version answer, once it is loaded and gave its golden outputs."""
        return await changed(request, lambda versions: versions.activate(name))

    @app.post("/versions/rollback")
    async def roll_back(request: Request) -> Response:
        """Let the version before answer again."""
        return await changed(request, lambda versions: versions.roll_back())


async def changed(request: Request, change: Callable[[Any], None]) -> Response:
    """Change the version, for callers who may, and say what there is now."""
    try:
        versions = service.changing(admitted(request))
        await asyncio.to_thread(change, versions)
    except Refused as error:
        return JSONResponse(error.body, error.status, error.headers)
    return JSONResponse({"active": service.active.name, "versions": versions.names()})
