"""The serving core beside this file as a TorchServe handler.

A worker is ready once the golden inputs gave the outputs of the measurement.
"""

from __future__ import annotations

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

LOADING_S = 600.0


class Handler:
    """One worker: it has the model."""

    def initialize(self, context: Any) -> None:
        """Load the model and prove it.

        Raises:
            RuntimeError: The kit is not whole, or gives other outputs here than when it was measured.
        """
        folder = Path(context.system_properties["model_dir"]).resolve()
        sys.path.insert(0, str(folder))
        settings = importlib.import_module("serving.settings").Settings.read(folder / "service.json")
        self.service = importlib.import_module("serving.service").Service(settings)
        core = importlib.import_module("serving.http")
        self.http, self.call = core.Http(self.service), core.HttpCall
        self.pool = ThreadPoolExecutor(max(settings.batches.sizes))
        self.service.start()
        self.service.active.ready.result(LOADING_S)

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """Answer requests that came together; the core puts their rows into one call."""
        return list(self.pool.map(lambda index: self.answer(data[index], context, index), range(len(data))))

    def answer(self, row: dict[str, Any], context: Any, index: int) -> bytes:
        """Answer one request: JSON, .npz or an image in; JSON or .npz out, as the header Accept says."""
        told = context.get_all_request_header(index)
        headers = {name.lower(): value for name, value in told.items() if isinstance(value, str)}
        name = next(iter(row), "body")
        if name != "body" and isinstance(told.get(name), dict):  # a part of a form has a type of its own
            headers["content-type"] = str(told[name].get("content-type"))
        body = row.get(name) or b""
        if not isinstance(body, (bytes, bytearray)):  # TorchServe has read the JSON
            body = json.dumps(body).encode()
        with self.call(self.http, headers, "") as call:
            call.admit()
            call.incoming.hold(len(body))
            call.wait(call.validate(bytes(body)))
        reply = call.reply
        context.set_response_status(reply.status, HTTPStatus(reply.status).phrase, index)
        for header, value in {**reply.headers, "content-type": reply.kind}.items():
            context.set_response_header(index, header, value)
        return reply.body


_handler = Handler()


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes] | None:
    """Load the model at the first call, which TorchServe makes without data; answer the others."""
    if not hasattr(_handler, "service"):
        _handler.initialize(context)
    return None if data is None else _handler.handle(data, context)
