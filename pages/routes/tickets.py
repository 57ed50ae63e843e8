"""One-time upload tokens: a page issues one, its browser redeems it once, the page takes the file.

A ticket is a random token bound to the browser that the page was sent to, known by its XSRF cookie.
Routes and pages live in one process, so the tickets do too; a restart only means choosing the file again.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string

from core.settings import get_settings

MOST = 512
LIFETIME_S = 24 * 3600.0


@dataclass
class Ticket:
    """Permission for one upload.

    Attributes:
        token: Names the route and the folder.
        owner: Who may redeem it.
        issued: UNIX seconds.
        busy: An upload is under way.
        path: The file, once it is complete.
    """

    token: str
    owner: str
    issued: float
    busy: bool = False
    path: Path | None = None


_tickets: dict[str, Ticket] = {}
_lock = threading.Lock()


def owner_of(xsrf_cookie: str | None) -> str:
    """Return who the browser with this XSRF cookie is, empty where it has none."""
    if not xsrf_cookie:
        return ""
    token, _ = decode_xsrf_token_string(xsrf_cookie)
    return token.hex() if token else ""


def uploads_folder() -> Path:
    """Return the folder that receives uploads."""
    return get_settings().data_dir / "uploads"


def issue(owner: str) -> str:
    """Return the token of a new ticket for `owner`; old ones that nobody uses make room."""
    ticket = Ticket(secrets.token_urlsafe(24), owner, time.time())
    with _lock:
        for old in [t for t in _tickets.values() if ticket.issued - t.issued > LIFETIME_S and not t.busy]:
            del _tickets[old.token]
        while len(_tickets) >= MOST and (spare := _dispensable()):
            del _tickets[spare.token]
        _tickets[ticket.token] = ticket
    return ticket.token


def _dispensable() -> Ticket | None:
    """Return the oldest ticket that waits, of whoever has most of them: nobody crowds out another's."""
    waiting = [ticket for ticket in _tickets.values() if not ticket.busy and ticket.path is None]
    count = Counter(ticket.owner for ticket in waiting)
    return max(waiting, key=lambda ticket: count[ticket.owner], default=None)


def claim(token: str, owner: str) -> Ticket | None:
    """Return the ticket for an upload that begins, or None where `owner` may not use it now."""
    with _lock:
        ticket = _tickets.get(token)
        if ticket is None or ticket.owner != owner or ticket.busy or ticket.path is not None:
            return None
        ticket.busy = True
        return ticket


def release(ticket: Ticket, path: Path | None) -> None:
    """End an upload: with its file, or with None after a failure, when it may be tried again."""
    with _lock:
        ticket.busy = False
        ticket.path = path


def take(token: str, owner: str) -> Path | None:
    """Return the uploaded file of this ticket, once and only to its owner."""
    with _lock:
        ticket = _tickets.get(token)
        if ticket is None or ticket.owner != owner or ticket.path is None:
            return None
        del _tickets[token]
        return ticket.path


def sweep(now: float | None = None) -> None:
    """Delete uploads that nobody took within a day."""
    folder, now = uploads_folder(), time.time() if now is None else now
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        with suppress(OSError):  # swept by another at this moment, or not ours
            if now - entry.stat().st_mtime > LIFETIME_S:
                shutil.rmtree(entry)
