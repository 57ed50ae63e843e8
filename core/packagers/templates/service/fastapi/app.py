"""The service over HTTP with FastAPI. `python serve.py` runs it; /docs shows what it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import escape

from fastapi import FastAPI, Request, Response

from serving.bodies import Incoming
from serving.errors import Refused
from serving.http import Http, HttpCall, Reply, refusal
from serving.management import Asked, Management, Route
from serving.service import Service
from serving.settings import Settings

settings = Settings.read()
service = Service(settings)
http = Http(service)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Load the model in the background; answer what waits before the end."""
    service.start()
    yield
    await asyncio.to_thread(service.close)


# FastAPI puts the title into the HTML of /docs as it is.
app = FastAPI(title=escape(settings.name), lifespan=lifespan)


@app.post("/predict", openapi_extra={"requestBody": {"required": True, "content": http.content()}})
async def predict(request: Request) -> Response:
    """Predict: JSON, .npz or an image in; JSON or .npz out, as the header Accept says."""
    with HttpCall(http, request.headers, address(request)) as call:
        call.admit()
        body = await read(request, call.incoming)
        feed = call.validate(body) if call.quick else await asyncio.to_thread(call.validate, body)
        try:
            answer = asyncio.wrap_future(call.ask(feed))
            call.answered(await asyncio.wait_for(answer, settings.timeout_s))
        except TimeoutError:
            raise call.late() from None
    return response(call.reply)


def address(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


def response(reply: Reply) -> Response:
    """Return a reply as FastAPI has it."""
    return Response(reply.body, reply.status, {**reply.headers, "Content-Type": reply.kind})


async def read(request: Request, incoming: Incoming) -> bytes:
    """Return the body, not longer and not for longer than the settings allow."""
    body = bytearray()
    incoming.expect(request.headers.get("content-length"))
    try:
        async with asyncio.timeout(settings.timeout_s):
            async for piece in request.stream():
                body += piece
                incoming.hold(len(body))
    except TimeoutError:
        raise Refused(408, f"The body did not come within {settings.timeout_s:g} seconds.") from None
    return bytes(body)


def managing(route: Route) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers an address of the management."""

    async def answer(request: Request) -> Response:
        incoming = http.incoming()
        try:
            body = await read(request, incoming) if route.takes else b""
            asked = Asked(request.headers, address(request), body, request.path_params.get("name", ""))
            return response(await asyncio.to_thread(route, asked) if route.slow else route(asked))
        except Refused as error:
            return response(refusal(error))
        finally:
            incoming.end()

    return answer


for each in Management(service).routes:
    app.add_api_route(
        each.path,
        managing(each),
        methods=[each.method],
        name=each.name,
        description=each.told,
        response_model=None,
    )
