"""GET /assets/<name>: the libraries that pages' components load, from `pages/static/vendor/`."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
CACHE = {"Cache-Control": "public, max-age=31536000, immutable"}
"""A name holds its version, so that what is under it never changes."""


async def asset(request: Request) -> Response:
    """Send one of the libraries; no other file."""
    known = {each.name: each for each in VENDOR.glob("*.js")}
    found = known.get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("There is no such file.", status_code=404)
    return FileResponse(found, media_type="text/javascript", headers=CACHE)
