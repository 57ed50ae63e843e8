"""The service over HTTP with FastAPI. `python serve.py` runs it; /docs shows what it takes."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response

from serving.http import Http, HttpCall
from serving.on_fastapi import address, application, read, response
from serving.service import Service
from serving.settings import Settings

settings = Settings.read()
service = Service(settings)
http = Http(service)
app = application(http)


@app.post("/predict", openapi_extra={"requestBody": {"required": True, "content": http.content()}})
async def predict(request: Request) -> Response:
    """Predict: JSON, .npz or an image in; JSON or .npz out, as the header Accept says."""
    with HttpCall(http, request.headers, address(request)) as call:
        call.admit()
        body = await read(request, call.incoming, settings.timeout_s)
        feed = call.validate(body) if call.quick else await asyncio.to_thread(call.validate, body)
        await call.arrived(feed)
    return response(call.reply)
