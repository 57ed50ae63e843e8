"""The names that a real server answers to, on every way in."""

from __future__ import annotations

import base64
import http.client
import os
import socket
from collections.abc import Iterator

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from streamlit import config

from pages.routes.hosts import OwnHosts
from tests.robustness.conftest import Server, serving

PATHS = ["/", "/runs", "/_stcore/health", "/_stcore/host-config", "/download/x/kit?prepare=1", "/upload/x"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hosts") / "data"
    with serving(folder, WHETSTONE_ALLOWED_HOSTS="models.example.com, lab") as running:
        yield running


def status(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors="replace")


def websocket(server: Server, host: str, origin: str | None) -> int:
    """Return the status of a WebSocket handshake; 101 opens it."""
    lines = [
        *("GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"),
        *("Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"),
        *([f"Origin: {origin}"] if origin else []),
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(line.recv(4096).split()[1])


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost.evil.example", "x@localhost", ""]
)
def test_no_way_in_under_a_foreign_name(server: Server, host: str) -> None:
    host = host.format(port=server.port)
    for path in PATHS:
        method = "PUT" if path.startswith("/upload") else "GET"
        refused, text = status(server, path, method, Host=host)
        assert refused in (400, 421), path
        assert "streamlit" not in text.lower()
    assert websocket(server, host, f"http://{host}") in (400, 403)


def test_a_refusal_says_what_to_do(server: Server) -> None:
    refused, text = status(server, "/", Host="evil.example")
    assert refused == 421
    assert "WHETSTONE_ALLOWED_HOSTS" in text


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST.", "models.example.com", "lab"])
def test_its_own_names_are_answered(server: Server, name: str) -> None:
    host = f"{name}:{server.port}"
    assert status(server, "/", Host=host)[0] == 200
    assert status(server, "/_stcore/health", Host=host) == (200, "ok")
    assert websocket(server, host, None) == 101
    assert websocket(server, host, f"http://{host}") == 101


def test_another_port_is_another_origin(server: Server) -> None:
    host = f"127.0.0.1:{server.port}"
    for origin in ("http://127.0.0.1:1", "http://127.0.0.1", "http://evil.example", "null"):
        assert websocket(server, host, origin) == 403, origin
        assert status(server, "/upload/x", "PUT", Host=host, Origin=origin)[0] == 421


def test_a_proxy_that_passes_the_name_on_is_answered(server: Server) -> None:
    assert websocket(server, "models.example.com", "https://models.example.com") == 101
    assert websocket(server, "lab:8443", "https://lab:8443") == 101
    assert websocket(server, "lab:8443", "https://lab") == 403


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("ours")(scope, receive, send)


@pytest.mark.parametrize(
    ("served", "local", "host", "code"),
    [
        ("0.0.0.0", "192.0.2.2", "192.0.2.2", 200),
        ("0.0.0.0", "::ffff:192.0.2.2", "192.0.2.2:8501", 200),
        (None, "fd00::2", "[FD00:0::2]:8501", 200),
        ("0.0.0.0", "192.0.2.2", socket.gethostname(), 200),
        ("box.example.com", "192.0.2.2", "box.example.com.", 200),
        ("0.0.0.0", "192.0.2.2", "192.0.2.3", 421),
        ("0.0.0.0", "192.0.2.2", "evil.example", 421),
        ("127.0.0.1", "127.0.0.1", socket.gethostname(), 421),
    ],
)
def test_the_address_that_is_served_decides(
    monkeypatch: pytest.MonkeyPatch, served: str | None, local: str, host: str, code: int
) -> None:
    monkeypatch.setattr(config, "get_option", {"server.address": served}.get)

    async def at(scope: Scope, receive: Receive, send: Send) -> None:
        await OwnHosts(_app)({**scope, "server": (local, 8501)}, receive, send)

    assert TestClient(at).get("/", headers={"Host": host}).status_code == code
