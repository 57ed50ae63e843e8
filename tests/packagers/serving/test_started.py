"""A generated service, started as a person does: slow and many connections, its end, its own client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from core.packagers.serving.fastapi import PACKAGER as FASTAPI
from core.packagers.serving.flask import PACKAGER as FLASK
from core.packagers.serving.options import ServiceParams
from core.protocols import Packager
from tests.packagers.serving.conftest import table, unpacked
from tests.packagers.serving.test_app import ROW, npz

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def started(folder: Path) -> Iterator[tuple[int, Any]]:
    """Run `python serve.py` until it is ready; give its port and process."""
    port = free_port()
    env = {**os.environ, "SERVICE_STATE": str(folder / "state")}
    command = [sys.executable, "serve.py", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as it:
        try:
            until = monotonic() + 120
            while not is_ready(port) and monotonic() < until:
                sleep(0.1)
            yield port, it
        finally:
            it.kill()


def is_ready(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def ask(port: int) -> int:
    body = npz(features=ROW)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", body, {"Content-Type": "application/x-npz"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def test_it_answers_its_own_client_and_says_that_it_is_ready(tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(), tmp_path / "out")
    with started(folder) as (port, _):
        client = [sys.executable, "client.py", f"http://127.0.0.1:{port}"]
        told = subprocess.run(client, cwd=folder, capture_output=True, text=True)
        assert told.returncode == 0, told.stderr
        assert "scores: largest difference 0.0000%" in told.stdout
        other = unpacked(table(tmp_path / "doubled", factor=2.0), ServiceParams(), tmp_path / "other")
        told = subprocess.run(client, cwd=other, capture_output=True, text=True)
        assert told.returncode == 1
        assert "not the outputs of the measurement" in told.stdout
        check = [sys.executable, "serve.py", "--check", "--port", str(port)]
        assert subprocess.run(check, cwd=folder).returncode == 0
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 1


@pytest.mark.parametrize("packager", [FASTAPI, FLASK], ids=lambda each: each.id)
def test_slow_connections_are_closed_and_hold_nobody_up(packager: Packager, tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(timeout_s=2), tmp_path / "out", packager)
    with started(folder) as (port, _):
        heads = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        for each in heads:
            each.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\n")
        body = socket.create_connection(("127.0.0.1", port))
        kind = b"Content-Type: application/x-npz\r\nContent-Length: 100\r\n\r\nP"
        body.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\n" + kind)
        assert ask(port) == 200
        body.settimeout(60)
        assert b" 408 " in body.recv(4096).split(b"\r\n")[0]
        heads[0].settimeout(60)
        with suppress(ConnectionResetError):
            assert heads[0].recv(4096) == b""
        assert ask(port) == 200
        for each in (*heads, body):
            each.close()


def test_thousands_of_connections_leave_it_standing(tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(), tmp_path / "out")
    with started(folder) as (port, it):
        held = []
        for _ in range(3000):
            try:
                held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            except OSError:
                break
        assert it.poll() is None
        for each in held:
            each.close()
        until = monotonic() + 120
        while not is_ready(port) and monotonic() < until:
            sleep(0.2)
        assert ask(port) == 200


@pytest.mark.parametrize("packager", [FASTAPI, FLASK], ids=lambda each: each.id)
def test_it_answers_what_waits_before_it_ends(packager: Packager, tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(), tmp_path / "out", packager)
    session, begun = folder / "models" / "v1" / "session.py", tmp_path / "begun"
    slow = session.read_text().replace(
        "return lambda feed: session.run(None, feed)",
        "import pathlib, time\n"
        f"    begun = pathlib.Path({str(begun)!r})\n"
        "    return lambda feed: begun.touch() or time.sleep(1) or session.run(None, feed)",
    )
    assert "sleep" in slow
    verify = folder / "models" / "v1" / "verify.py"
    verify.write_text(
        verify.read_text().replace("def check_hashes():", "def check_hashes():\n    return None")
    )
    session.write_text(slow)
    with started(folder) as (port, it):
        statuses: list[int] = []
        begun.unlink()  # by the golden inputs
        asking = Thread(target=lambda: statuses.append(ask(port)))
        asking.start()
        until = monotonic() + 60
        while not begun.exists() and monotonic() < until:
            sleep(0.01)
        it.send_signal(signal.SIGTERM)
        asking.join(60)
        assert statuses == [200]
        assert it.wait(60) in (0, -signal.SIGTERM)
