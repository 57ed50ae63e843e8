"""PUT /upload/<token>: files go to disk in chunks and cost the server no memory.

Several files come as one body, with their names and sizes in a header, and land in a folder.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence

from anyio import current_time, fail_after, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from streamlit.web.server.server_util import is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import validate_xsrf_token

from core.errors import ErrorRecord
from core.settings import get_settings
from pages.format import size
from pages.routes import tickets
from pages.routes.room import DiskFull, Room
from pages.routes.upload_parts import MOST_FILES, Part, PartFiles, parts_of

CHUNK = 1 << 20
# A connection that brings less than this in that time is given up: 4 kB a second.
LEAST, IDLE_S = 256 << 10, 60.0
COOKIE = "_streamlit_xsrf"
TOGETHER = "upload"
"""Name of the folder of several files."""


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


def _no_room() -> JSONResponse:
    return _refuse(507, "disk_full", "The server's disk is too full for this file.", "Delete old runs first.")


def _unclear() -> JSONResponse:
    message = f"These files cannot be taken together: up to {MOST_FILES} of different names, none empty."
    return _refuse(400, "bad_request", message, "Choose fewer files, or put them into a .zip.")


def _too_slow() -> JSONResponse:
    return _refuse(
        408,
        "too_slow",
        f"Too little of the file arrived within {IDLE_S:.0f} seconds.",
        "Look at the connection and choose the file again.",
    )


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body; what comes in must make progress, so that nobody keeps room for nothing.

    Raises:
        TimeoutError: Less than `LEAST` bytes came within `IDLE_S`.
    """
    body, arrived, until = aiter(request.stream()), 0, current_time() + IDLE_S
    while True:
        with fail_after(until - current_time()):
            chunk = await anext(body, None)
        if chunk is None:
            return
        arrived += len(chunk)
        if arrived >= LEAST:
            arrived, until = 0, current_time() + IDLE_S
        yield chunk


async def _receive(request: Request, files: PartFiles, limit: int, room: Room) -> int | None:
    """Write the body; return its size, or None where it grows over `limit`."""
    total, buffer = 0, bytearray()

    async def write() -> None:
        room.use(len(buffer))
        await to_thread.run_sync(files.write, bytes(buffer))
        buffer.clear()

    async for chunk in _chunks(request):
        total += len(chunk)
        if total > limit:
            return None
        buffer += chunk
        if len(buffer) >= CHUNK:
            await write()
    await write()
    return total


async def _store(
    request: Request, ticket: tickets.Ticket, parts: Sequence[Part], limit: int, room: Room
) -> JSONResponse:
    folder = tickets.uploads_folder() / ticket.token
    several, done, size = len(parts) > 1, False, None
    path = folder / (TOGETHER if several else parts[0].name)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        if several:
            path.mkdir(mode=0o700)
        files = PartFiles(path if several else folder, parts)
        try:
            size = await _receive(request, files, limit, room)
        finally:
            whole = files.close()
        done = size is not None and whole
        if not whole and size is not None:
            return _unclear()
    except ValueError:
        return _unclear()
    except ClientDisconnect:
        return _refuse(400, "interrupted", "The upload stopped before its end.", "Choose the file again.")
    except TimeoutError:
        return _too_slow()
    except DiskFull:
        return _no_room()
    except OSError as error:
        return _unwritable(error)
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)
        tickets.release(ticket, path if done else None)
    return JSONResponse({"name": parts[0].name, "size": size}) if done else _too_large(limit)


def _make_ready() -> None:
    tickets.uploads_folder().mkdir(parents=True, exist_ok=True)
    tickets.sweep()


async def upload(request: Request) -> JSONResponse:
    """Store the body of the request as the file of the ticket in its path, or as a folder of several files.

    The browser proves itself by its XSRF token; the ticket must have been issued to it. Answers 403
    where either is wrong, 400 where several files cannot be told apart, 408 where it hardly moves, 413
    over the size limit, 507 where it cannot be written, always as JSON with message and hint.
    """
    cookie = request.cookies.get(COOKIE)
    if is_xsrf_enabled() and not validate_xsrf_token(request.headers.get("X-Xsrftoken"), cookie):
        return _forbidden()
    limit, parts = get_settings().upload_limit_bytes, parts_of(request.headers)
    if not parts:
        return _unclear()
    declared = max(0, int(request.headers.get("Content-Length") or 0))
    if declared > limit:
        return _too_large(limit)
    try:
        await to_thread.run_sync(_make_ready)
        with Room(tickets.uploads_folder()) as room:
            room.claim(declared)
            ticket = tickets.claim(request.path_params["token"], tickets.owner_of(cookie))
            if ticket is None:
                return _forbidden()
            return await _store(request, ticket, parts, limit, room)
    except DiskFull:
        return _no_room()
    except OSError as error:
        return _unwritable(error)
