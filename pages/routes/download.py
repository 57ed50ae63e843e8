"""GET /download/<candidate id>: a kit streams from disk; with ?prepare=1 it is only built."""

from __future__ import annotations

from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from core import engine
from core.errors import NotFound, WhetstoneError


def _kit(candidate_id: str) -> tuple[Path, str]:
    with engine.open_store() as store:
        return engine.kit_path(store, candidate_id), engine.kit_name(store, candidate_id)


async def download(request: Request) -> Response:
    """Answer with the kit of a candidate, built now if it was not before.

    The file is named ``{model}-{recipe}-{runtime}.zip``. Where there is no such kit, the answer is 404 or
    409, as JSON with message and hint.
    """
    candidate_id = request.path_params["candidate_id"]
    try:
        path, name = await to_thread.run_sync(_kit, candidate_id)
    except WhetstoneError as error:
        status = 404 if isinstance(error, NotFound) else 409
        body = {"code": error.code, "message": error.message, "hint": error.hint}
        return JSONResponse({"error": body}, status_code=status)
    if "prepare" in request.query_params:
        return JSONResponse({"name": name, "size": path.stat().st_size})
    return FileResponse(path, media_type="application/zip", filename=name)
