"""What adapters on FastAPI share: the application with its management, bodies, replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import escape
from typing import Protocol

from fastapi import FastAPI, Request, Response

from serving.bodies import Incoming
from serving.errors import Refused
from serving.http import Http, Reply, refusal
from serving.management import Asked, Management, Route


def address(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


def response(reply: Reply) -> Response:
    """Return a reply as FastAPI has it."""
    return Response(reply.body, reply.status, {**reply.headers, "Content-Type": reply.kind})


async def read(request: Request, incoming: Incoming, seconds: float) -> bytes:
    """Return the body, not longer than the settings allow and not for longer than `seconds`."""
    body = bytearray()
    incoming.expect(request.headers.get("content-length"))
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                incoming.hold(len(body))
    except TimeoutError:
        raise Refused(408, f"The body did not come within {seconds:g} seconds.") from None
    return bytes(body)


class Beside(Protocol):
    """A server of another protocol in the same event loop."""

    async def start(self) -> None:
        """Serve."""

    async def stop(self) -> None:
        """Answer what was begun, then end."""


def application(http: Http, beside: Beside | None = None) -> FastAPI:
    """Return an application with the addresses of the management.

    Once it runs, the model is loaded in the background; what waits is answered before its end.

    Args:
        http: What all requests share.
        beside: Runs as long as it does.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        http.service.start()
        if beside is not None:
            await beside.start()
        yield
        if beside is not None:
            await beside.stop()
        await asyncio.to_thread(http.service.close)

    # FastAPI puts the title into the HTML of /docs as it is.
    app = FastAPI(title=escape(http.settings.name), lifespan=lifespan)
    for route in Management(http.service).routes:
        app.add_api_route(
            route.path,
            _managing(route, http),
            methods=[route.method],
            name=route.name,
            description=route.told,
            response_model=None,
        )
    return app


def _managing(route: Route, http: Http) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        incoming = http.incoming()
        try:
            body = await read(request, incoming, http.settings.timeout_s) if route.takes else b""
            asked = Asked(request.headers, address(request), body, request.path_params.get("name", ""))
            return response(await asyncio.to_thread(route, asked) if route.slow else route(asked))
        except Refused as error:
            return response(refusal(error))
        finally:
            incoming.end()

    return answer
