"""Watch a service: by its address, or by its prediction log."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

import msgspec

from core.domain.watching import Watched
from core.engine.executors import local
from core.errors import InvalidRequest, NotFound, UnsafeUpload
from core.packagers.serving.reading import UNIT as READ
from core.packagers.serving.reading import ReadRequest, watched
from core.settings import get_settings
from core.store.store import Store
from core.texts import one_line
from core.work.stop import Stop

LOOK_BACK_S = 300.0
PATIENCE_S, MOST_BYTES = 10.0, 8_000_000
LOG = "predictions.db"


def watch(
    store: Store, target: str, key: str = "", seconds: float = LOOK_BACK_S, exposed: bool = False
) -> Watched:
    """Return what a service does.

    Args:
        store: Has room for the work.
        target: Address of a running service, or path of its prediction log or of its folder.
        key: API key, where the service asks for one.
        seconds: How far back a log is looked at.
        exposed: Whether strangers can reach this server: then only what the settings name is watched.

    Raises:
        NotFound: There is no such log.
        InvalidRequest: Nothing answers at the address, or no service that keeps a prediction log; or the
            settings do not name it, and strangers could have asked.
        UnsafeUpload: What answers tells something else than a service would.
        CorruptFile: It is no prediction log.
    """
    if exposed:
        _require_named(target)
    if target.lower().startswith(("http://", "https://")):
        return _asked(target, key)
    request = ReadRequest(_log(target), seconds)
    unit = READ.unit(request, reads=(request.path,))
    return local(store).run(unit, Stop()).values.watched


def _require_named(target: str) -> None:
    """Refuse what a stranger could have this server ask or open in their stead.

    Raises:
        InvalidRequest: The settings do not name it.
    """
    named = {each.strip().rstrip("/") for each in get_settings().watched_services.split(",")} - {""}
    if target.rstrip("/") not in named:
        raise InvalidRequest(
            "This dashboard can be reached by others, so that it watches only services that are named where "
            "it runs.",
            hint="Who runs the server can set WHETSTONE_WATCHED_SERVICES to the address. Or watch it on the "
            "command line: whetstone watch.",
        )


def _log(target: str) -> Path:
    given = Path(target).expanduser()
    for path in (given, given / LOG, given / "state" / LOG):
        if path.is_file():
            return path.resolve()
    raise NotFound(
        f"There is no prediction log at {one_line(target, 200)}.",
        hint=f"Name an address such as http://127.0.0.1:8000, the folder of a service, or its state/{LOG}.",
    )


def _asked(address: str, key: str) -> Watched:
    """Return what the service at an address tells of itself; it is believed no more than an upload."""
    parts = _parts(address)
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        status, body = _answer(parts, headers)
    except (OSError, HTTPException, ValueError) as error:
        reason = one_line(str(error), 200)
        raise InvalidRequest(
            f"No service answers at {one_line(address, 200)}: {reason}.",
            hint="Look whether it runs, and under which port.",
        ) from error
    if status != 200:
        raise _refused(status)
    with suppress(msgspec.DecodeError, RecursionError):
        return watched(msgspec.json.decode(body))
    raise UnsafeUpload("What answers there is no service of ours.", hint="Look at the address.")


def _parts(address: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.hostname and parts.username is None:
            return parts
    raise InvalidRequest(f"{one_line(address, 200)} is no address.", hint="Write http://127.0.0.1:8000.")


def _answer(parts: SplitResult, headers: dict[str, str]) -> tuple[int, bytes]:
    """Return status and content of an answer, not longer and not for longer than one of ours takes.

    No redirect is followed: nobody stated where it leads.

    Raises:
        ValueError: It is more, or slower.
    """
    kind = HTTPSConnection if parts.scheme.lower() == "https" else HTTPConnection
    with closing(kind(parts.hostname or "", parts.port or kind.default_port, timeout=PATIENCE_S)) as asked:
        asked.connect()
        # What is sent bit by bit, or without end before the answer itself, keeps each single wait short.
        given_up = Event()
        late = Timer(PATIENCE_S, _give_up, [asked.sock, given_up])
        late.daemon = True
        late.start()
        try:
            asked.request("GET", f"{parts.path.rstrip('/')}/watch", headers=headers)
            with asked.getresponse() as answer:
                body = answer.read(MOST_BYTES + 1)
        finally:
            late.cancel()
    if len(body) > MOST_BYTES or given_up.is_set():
        raise ValueError("its answer is too long or too slow")
    return answer.status, body


def _give_up(link: socket.socket, given_up: Event) -> None:
    # Said first: who reads from the link wakes up before this thread goes on.
    given_up.set()
    with suppress(OSError):
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def _refused(status: int) -> InvalidRequest:
    if status in (401, 403):
        return InvalidRequest("The service asks for an API key.", hint="Give one of its keys with --key.")
    if status == 404:
        return InvalidRequest(
            "What answers there keeps no prediction log.",
            hint="Make the service with it: whetstone deploy RUN --with predictions.",
        )
    if status == 429:
        told = (
            "The service's rate limit is spent: callers from this address asked too much in the last minute."
        )
        return InvalidRequest(told, hint="Wait a minute, or watch with an API key of its own.")
    return InvalidRequest(f"The service answered with status {status}.", hint="Look at what it prints.")
