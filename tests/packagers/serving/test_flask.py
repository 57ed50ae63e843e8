"""A generated Flask service answers as the FastAPI one does, in its framework's test client."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.packagers.serving.flask import PACKAGER
from core.packagers.serving.options import ServiceParams
from core.protocols import Package
from tests.packagers.serving.conftest import imported, table, unpacked
from tests.packagers.serving.test_app import NPZ, ROW, arrays, npz


@pytest.fixture
def flask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a service within this process, and return its client."""
    open_now: list[Any] = []

    def start(package: Package, **options: Any) -> Any:
        folder = unpacked(package, ServiceParams(**options), tmp_path / "made", PACKAGER)
        monkeypatch.setenv("SERVICE_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
        context = imported(folder)
        app = context.__enter__()
        open_now.append((app, context))
        app.service.active.ready.result(60)
        return app.app.test_client()

    yield start
    for app, context in open_now:
        app.service.close()
        context.__exit__(None, None, None)


def test_it_predicts_and_refuses(flask: Any, tmp_path: Path) -> None:
    client = flask(table(tmp_path / "in"), max_body_mb=1)
    expected = ROW @ (np.arange(12).reshape(4, 3) / 12)
    found = client.post("/predict", data=npz(features=ROW), headers=NPZ)
    np.testing.assert_allclose(arrays(found.data)["scores"], expected, rtol=1e-5)
    assert set(found.headers["Server-Timing"].replace(";", " ").split()) >= {"validate", "inference"}
    told = client.post("/predict", json={"inputs": {"features": ROW.tolist()}})
    assert told.json["top"][0][0]["class"] == "c"
    wrong = client.post("/predict", json={"inputs": {"features": [[1]]}})
    assert (wrong.status_code, wrong.json["detail"][0]["loc"]) == (422, ["body", "inputs", "features"])
    assert client.post("/predict", data=bytes(1_000_001), headers=NPZ).status_code == 413
    assert client.post("/predict", data=b"<html>", content_type="text/html").status_code == 415
    short = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "9"}
    late = client.post("/predict", data=b"x", headers=NPZ, environ_overrides=short)
    assert late.status_code == 408
    assert "detail" in client.get("/nowhere").json


def test_management_metrics_and_rate_by_the_address_that_a_proxy_tells(flask: Any, tmp_path: Path) -> None:
    client = flask(table(tmp_path / "in"), metrics=True, rate_limit=True, rate=2)
    assert client.get("/ready").json["status"] == "ready"
    assert client.get("/versions").status_code == 404

    def ask(address: str) -> int:
        headers = {**NPZ, "X-Forwarded-For": f"6.6.6.6, {address}"}
        return int(client.post("/predict", data=npz(features=ROW), headers=headers).status_code)

    assert [ask("1.1.1.1") for _ in range(3)] == [200, 200, 429]
    assert ask("2.2.2.2") == 200
    assert 'requests_total{status="200",version="v1"} 3.0' in client.get("/metrics").text


ASK = b"GET /health HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def port(flask: Any, tmp_path: Path) -> Iterator[int]:
    """Serve under gunicorn within this process, on a port."""
    flask(table(tmp_path / "in"))
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    serve, workers = importlib.import_module("serve"), list[Any]()
    kind = serve.InBackground
    serve.InBackground = lambda *given: workers.append(kind(*given)) or workers[0]
    serve.start(listening.fileno())
    yield int(listening.getsockname()[1])
    workers[0].alive = False
    listening.close()


def asked(port: int, sent: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=120)
    made.sendall(sent)
    return made


def whole(made: socket.socket) -> bytes:
    return b"".join(iter(lambda: made.recv(65536), b""))


@pytest.mark.parametrize(
    "sent",
    [ASK + b"\r\nGET /hea", ASK + b"X: 1\r\n" * 20, b"POST /health HTTP/1.1\r\nContent-Length: 9\r\n\r\n"],
)
def test_callers_who_send_half_a_request_hold_no_thread(port: int, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(140):
            made = stack.enter_context(asked(port, sent))
            if b"\r\n\r\n" in sent:
                made.recv(1)
        with asked(port, ASK + b"Connection: close\r\n\r\n") as other:
            assert whole(other).endswith(b'{"status":"alive"}')


def test_a_head_without_end_is_closed_or_refused_with_the_reason(port: int) -> None:
    with asked(port, ASK) as made:
        made.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert whole(made) == b""
    with asked(port, ASK + b"X: %s\r\n" % (b"x" * 8000) * 9) as made:
        assert b"431 " in (told := whole(made))
        assert b"Send fewer or shorter headers" in told


def test_nobody_waits_for_a_caller_who_keeps_a_closed_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[Any] = []
    monkeypatch.setattr("gunicorn.util.close_graceful", waited.append)
    for sent in (ASK + b"Connection: close\r\n\r\n", b"nonsense\r\n\r\n"):
        with asked(port, sent) as made:
            assert whole(made).startswith(b"HTTP/1.1 ")
    assert waited == []
