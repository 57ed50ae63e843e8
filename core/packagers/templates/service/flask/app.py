"""The service over HTTP with Flask. `python serve.py` runs it under gunicorn, as does `gunicorn app:app`."""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException

from serving.bodies import Incoming
from serving.call import address_of
from serving.errors import Refused
from serving.http import Http, HttpCall, Reply, refusal, reply_json
from serving.management import Asked, Management, Route
from serving.running import REQUEST_THREADS
from serving.service import Service
from serving.settings import Settings

PIECE = 64 * 1024
SPARE_THREADS = 32
"""Threads that wait for no body: slow callers must not hold all."""
settings = Settings.read()
service = Service(settings)
http = Http(service)
app = Flask(__name__, static_folder=None)
arriving = BoundedSemaphore(REQUEST_THREADS - SPARE_THREADS)


@app.post("/predict")
def predict() -> Response:
    """Predict: JSON, .npz or an image in; JSON or .npz out, as the header Accept says."""
    with HttpCall(http, request.headers, address()) as call:
        call.admit()
        call.wait(call.validate(read(call.incoming)))
    return response(call.reply)


def address() -> str:
    """Return where a request comes from."""
    return address_of(request.remote_addr or "", request.headers)


def response(reply: Reply) -> Response:
    """Return a reply as Flask has it."""
    return Response(reply.body, reply.status, reply.headers, content_type=reply.kind)


def read(incoming: Incoming) -> bytes:
    """Return the body, not longer than the settings allow. `serve.py` ends what does not come in time."""
    declared = request.headers.get("Content-Length")
    incoming.expect(declared)
    if not arriving.acquire(blocking=False):
        raise Refused(503, "Too many bodies arrive at once. Try again.", headers={"Retry-After": "1"})
    body = bytearray()
    try:
        while piece := request.stream.read(PIECE):
            body += piece
            incoming.hold(len(body))
    except (ClientDisconnected, OSError):
        declared = "too short"
    finally:
        arriving.release()
    if declared is not None and (not declared.isdecimal() or int(declared) != len(body)):
        raise Refused(408, f"The body did not come within {settings.timeout_s:g} seconds.")
    return bytes(body)


def managing(route: Route) -> Callable[..., Response]:
    """Return what answers an address of the management."""

    def answer(name: str = "") -> Response:
        incoming = http.incoming()
        try:
            body = read(incoming) if route.takes else b""
            return response(route(Asked(request.headers, address(), body, name)))
        except Refused as error:
            return response(refusal(error))
        finally:
            incoming.end()

    return answer


for each in Management(service).routes:
    path = each.path.replace("{", "<").replace("}", ">")
    app.add_url_rule(path, each.name, managing(each), methods=[each.method])


@app.errorhandler(HTTPException)
def wrong_address(error: Any) -> Response:
    """Answer in JSON what has no address here."""
    return response(reply_json({"detail": error.description}, error.code))


service.start()
