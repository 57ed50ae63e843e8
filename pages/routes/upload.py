"""PUT /upload/<token>: a file goes to disk in chunks and costs the server no memory."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from streamlit.web.server.server_util import is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import validate_xsrf_token

from core.errors import ErrorRecord
from core.settings import get_settings
from pages.routes import tickets
from pages.widgets.format import size

CHUNK = 1 << 20
RESERVE = 256 << 20
COOKIE = "_streamlit_xsrf"


def safe_name(name: str) -> str:
    """Return the last part of `name` with nothing in it that a file system could take for a path."""
    last = re.split(r"[\\/]", unquote(name))[-1]
    return re.sub(r"[^\w.\- ()+]", "_", last).strip(". ")[-120:] or "upload"


def _refuse(status: int, code: str, message: str, hint: str) -> JSONResponse:
    record = ErrorRecord(code, message, hint)
    body = {"error": {"code": record.code, "message": record.message, "hint": record.hint}}
    return JSONResponse(body, status_code=status, headers={"Connection": "close"})


def _too_large(limit: int) -> JSONResponse:
    return _refuse(
        413,
        "too_large",
        f"The file is larger than {size(limit)}, the most this server accepts.",
        "Raise WHETSTONE_UPLOAD_LIMIT_BYTES where the server runs, or upload a smaller file.",
    )


def _forbidden() -> JSONResponse:
    hint = "Reload the page and choose the file again."
    return _refuse(403, "forbidden", "This upload does not belong to this browser, or has expired.", hint)


def _unwritable(error: OSError) -> JSONResponse:
    why = error.strerror or type(error).__name__
    return _refuse(
        507,
        "not_stored",
        f"The server could not write the file: {why}.",
        "Give its disk room, or set WHETSTONE_DATA_DIR to a folder that it may write to.",
    )


def _no_room(folder: Path, wanted: int) -> JSONResponse | None:
    folder.mkdir(parents=True, exist_ok=True)
    tickets.sweep()
    if shutil.disk_usage(folder).free >= wanted + RESERVE:
        return None
    return _refuse(507, "disk_full", "The server's disk is too full for this file.", "Delete old runs first.")


async def _receive(request: Request, path: Path, limit: int) -> bool:
    """Write the body to `path`; False where it grows over `limit`."""
    total, buffer = 0, bytearray()
    with path.open("xb") as file:
        async for chunk in request.stream():
            total += len(chunk)
            if total > limit:
                return False
            buffer += chunk
            if len(buffer) >= CHUNK:
                await to_thread.run_sync(file.write, bytes(buffer))
                buffer.clear()
        file.write(buffer)
    return True


async def _store(request: Request, ticket: tickets.Ticket, name: str, limit: int) -> JSONResponse:
    folder = tickets.uploads_folder() / ticket.token
    path, done = folder / name, False
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        done = await _receive(request, path, limit)
    except ClientDisconnect:
        return _refuse(400, "interrupted", "The upload stopped before its end.", "Choose the file again.")
    except OSError as error:
        return _unwritable(error)
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)
        tickets.release(ticket, path if done else None)
    return JSONResponse({"name": name, "size": path.stat().st_size}) if done else _too_large(limit)


async def upload(request: Request) -> JSONResponse:
    """Store the body of the request as the file of the ticket in its path.

    The browser proves itself by its XSRF token; the ticket must have been issued to it. Answers 403
    where either is wrong, 413 over the size limit, 507 where it cannot be written, always as JSON with
    message and hint.
    """
    cookie = request.cookies.get(COOKIE)
    if is_xsrf_enabled() and not validate_xsrf_token(request.headers.get("X-Xsrftoken"), cookie):
        return _forbidden()
    limit = get_settings().upload_limit_bytes
    declared = int(request.headers.get("Content-Length") or 0)
    if declared > limit:
        return _too_large(limit)
    try:
        refusal = await to_thread.run_sync(_no_room, tickets.uploads_folder(), declared)
    except OSError as error:
        return _unwritable(error)
    if refusal is not None:
        return refusal
    ticket = tickets.claim(request.path_params["token"], tickets.owner_of(cookie))
    if ticket is None:
        return _forbidden()
    return await _store(request, ticket, safe_name(request.headers.get("X-File-Name", "")), limit)
