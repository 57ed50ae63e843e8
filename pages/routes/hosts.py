"""Host and Origin check against DNS rebinding: which names the server answers to.

DNS rebinding makes a page's own name point at a server inside; the browser then takes that server for the
page's own. What the page cannot change is the name, which the browser sends as Host (and as Origin).
Source: https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html, Host and Origin.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from core.settings import get_settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_POLICY_VIOLATION = 1008
Address = tuple[str, int | None]
FOREIGN_NAME = (
    "This server does not answer under this name: a foreign page could have given it.\n"
    "If it is yours, set WHETSTONE_ALLOWED_HOSTS to the name in the address bar where the server runs.\n"
)
FOREIGN_PAGE = (
    "This server answers its own pages only, and the request comes from another's.\n"
    "Open the dashboard directly. A proxy before it must pass on the Host header with its port.\n"
)


class OwnHosts:
    """Refuses every request and WebSocket whose Host or Origin is not this server's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan" or not (problem := _problem(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await PlainTextResponse(problem, status_code=421)(scope, receive, send)


def _problem(scope: Scope) -> str:
    """Return why this request is refused, empty for one of our own."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    host = _address(f"//{hosts[0]}") if len(hosts) == 1 else None
    if host is None or host[0] not in _own_names(scope):
        return FOREIGN_NAME
    return "" if all(_is_same(origin, host) for origin in origins) else FOREIGN_PAGE


def _is_same(origin: str, host: Address) -> bool:
    """Return whether a page of `origin`, with its port, is one of the server that was asked as `host`."""
    page, port = _address(origin), _DEFAULT_PORTS.get(origin.partition(":")[0])
    return page is not None and (page[0], page[1] or port) == (host[0], host[1] or port)


def _own_names(scope: Scope) -> set[str]:
    """Return the host names and addresses that this connection's end goes by."""
    local = scope.get("server") or ("", None)
    return {*LOOPBACK, _plain(str(local[0])), *_served(), *_listed(get_settings().allowed_hosts)}


def _served() -> set[str]:
    """Return the address that was asked for, and this machine's name where others may reach it."""
    address = str(config.get_option("server.address") or "")
    if address in LOOPBACK:
        return set()
    return {_plain(address), socket.gethostname().lower()}


def exposed() -> bool:
    """Whether other computers can reach this server: by its address, or through a proxy with other names."""
    return bool(_served()) or bool(get_settings().allowed_hosts)


@cache
def _listed(entries: str) -> frozenset[str]:
    found = (_address(f"//{entry.strip()}") for entry in entries.split(","))
    return frozenset(entry[0] for entry in found if entry is not None)


def _address(url: str) -> Address | None:
    """Return host and port of `url`, which may hold nothing else; None where it does or cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    extra = parts.username is not None or parts.path or parts.query or parts.fragment
    return (_plain(parts.hostname), port) if parts.hostname and not extra else None


def _plain(name: str) -> str:
    """Return a name in one spelling: lower case, no last dot, IPv4 without its IPv6 dress."""
    name = name.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    return str(getattr(address, "ipv4_mapped", None) or address)
