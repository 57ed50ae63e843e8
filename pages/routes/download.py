"""GET /download/<candidate>/<packager>, /download-model/<candidate>, /download-run/<run>: streamed files.

With ?prepare=1 the answer is JSON with name and size: a kit is built and checked then, and a problem is told.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from core import engine, views
from core.engine import Download
from core.errors import NotFound, WhetstoneError
from core.store.store import Store

Find = Callable[[Store, str], Download]


async def _answer(request: Request, find: Find) -> Response:
    """Answer with what `find` finds; 404 or 409 with message and hint as JSON where there is none."""

    def found() -> Download:
        with engine.open_store() as store:
            return find(store, request.path_params["id"])

    try:
        download = await to_thread.run_sync(found)
    except WhetstoneError as error:
        status = 404 if isinstance(error, NotFound) else 409
        body = {"code": error.code, "message": error.message, "hint": error.hint}
        return JSONResponse({"error": body}, status_code=status)
    if "prepare" in request.query_params:
        return JSONResponse({"name": download.name, "size": download.size})
    return _send(download)


def _send(download: Download) -> Response:
    kind = "application/zip" if Path(download.name).suffix == ".zip" else "application/octet-stream"
    if download.single is not None:
        return FileResponse(download.single, media_type=kind, filename=download.name)
    head = {"Content-Disposition": f'attachment; filename="{download.name}"'}
    return StreamingResponse(download.stream(), media_type=kind, headers=head)


async def download_kit(request: Request) -> Response:
    """Send a kit or another kind of download of a candidate, built now if it was not before."""
    spelled = request.path_params["packager"]

    def kit(store: Store, candidate_id: str) -> Download:
        path = engine.kit_path(store, candidate_id, spelled)
        return Download(engine.kit_name(store, candidate_id, spelled), ((path.name, path),))

    return await _answer(request, kit)


async def download_model(request: Request) -> Response:
    """Send the bare model of a candidate; a zip where its format has several files."""
    return await _answer(request, engine.model_download)


async def download_run(request: Request) -> Response:
    """Send a zip of all models of a run with its results, made while it is sent."""
    return await _answer(request, views.run_archive)
