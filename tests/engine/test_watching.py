"""A service is watched by its log and by its address, and nothing that either tells is believed."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any, cast

import pytest

from core.cli import main
from core.engine import open_store, watch, watching
from core.errors import CorruptFile, InvalidRequest, NotFound, UnsafeUpload
from core.packagers.serving import reading
from core.packagers.serving.code import service_code
from core.settings import get_settings
from core.work.unit import Job
from tests.watched import write_log

Serve = Callable[[int, bytes], str]


@pytest.fixture
def answering() -> Iterator[Serve]:
    """Return a function that starts a server which answers everything alike, and gives its address."""
    started: list[HTTPServer] = []

    def start(status: int, body: bytes) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("X-Key", self.headers.get("Authorization", ""))
                self.end_headers()
                self.wfile.write(body if self.path == "/watch" else b"")

            def log_message(self, *_: Any) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Answer)
        started.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for each in started:
        each.shutdown()
        each.server_close()


def told(path: Path) -> bytes:
    """Return what a service with this log answers."""
    with closing(sqlite3.connect(path)) as log:
        return json.dumps(service_code("watching").report(log)).encode()


def test_a_log_tells_traffic_predictions_and_drift(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_log(tmp_path / "made", arms=2)
    with open_store() as store:
        found = watch(store, str(tmp_path / "made"))
        with pytest.raises(NotFound, match="no prediction log"):
            watch(store, str(tmp_path / "elsewhere"))
        (tmp_path / "wrong.db").write_text("no log")
        with pytest.raises(CorruptFile, match="not a database"):
            watch(store, str(tmp_path / "wrong.db"))
    assert (found.name, found.traffic.requests, len(found.timeline)) == ("pets", 120, 60)
    assert [arm.traffic.p50_ms for arm in found.arms] == [2.0, 4.0]
    (first, second) = found.arms[0].classes
    assert (found.class_name(first.index), first.reference, first.live) == ("cat", 0.7, 0.5)
    assert second.reference == 0.3
    (newest,) = found.arms[0].newest()
    assert (newest.number, [each.name for each in newest.raised]) == (2, ["x: brightness"])
    assert [alert.rule for alert in found.alerts] == ["drift v1", "drift v2"]
    assert main(["watch", str(path)]) == 3
    assert "alert drift v1" in capsys.readouterr().out


def test_a_log_without_end_is_given_up(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_log(tmp_path)
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS name, i AS value FROM n"
    )
    with closing(sqlite3.connect(path)) as log, log:
        log.execute("DROP TABLE about")
        log.execute(f"CREATE VIEW about AS {rows} WHERE i < 0")
    monkeypatch.setattr(reading, "LONGEST_S", 0.1)
    with pytest.raises(CorruptFile, match="interrupted"):
        reading.read(reading.ReadRequest(path, 300.0), cast(Job, None))


def test_a_version_that_answers_no_more_raises_nothing(data_dir: Path, tmp_path: Path) -> None:
    path = write_log(tmp_path, arms=2)
    with closing(sqlite3.connect(path)) as log, log:
        log.execute("UPDATE predictions SET time = time - 1000 WHERE stream = 1")
    with open_store() as store:
        assert [alert.rule for alert in watch(store, str(path)).alerts] == ["drift v2"]


def test_an_address_tells_the_same_and_the_exit_code_says_that_nothing_is_wrong(
    data_dir: Path, tmp_path: Path, answering: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    address = answering(200, told(write_log(tmp_path, drifted=False)))
    assert main(["watch", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["arms"][0]["version"] == "v1"


HOSTILE = [
    (200, b"<html>"),
    (200, b"[]"),
    (200, b"{}"),
    (200, b'{"name": NaN}'),
    (200, b"[" * 100_000),
    (200, b"\xff\xfe"),
]
ENDLESS = {
    "before the answer": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "in its head": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "in its pieces": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;aa\r\nx\r\n"),
}


@pytest.mark.parametrize("where", ENDLESS)
def test_an_answer_without_end_is_given_up(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(watching, "PATIENCE_S", 0.3)
    first, again = ENDLESS[where]

    def answer(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        with caller, suppress(OSError):
            caller.sendall(first)
            while True:
                caller.sendall(again)
                sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listening, open_store() as store:
        thread = Thread(target=answer, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(InvalidRequest, match="No service answers"):
            watch(store, f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join(5)


def test_other_answers_are_refused(data_dir: Path, answering: Serve, tmp_path: Path) -> None:
    with open_store() as store:
        for status, body in HOSTILE:
            with pytest.raises(UnsafeUpload):
                watch(store, answering(status, body))
        for status, said in ((302, "status 302"), (401, "key"), (404, "no prediction log"), (500, "500")):
            with pytest.raises(InvalidRequest, match=said):
                watch(store, answering(status, b""))
        with pytest.raises(InvalidRequest, match="too long"):
            watch(store, answering(200, b" " * 9_000_000))
        for address in ("http://", "http://[::1", "http://me:secret@127.0.0.1:1", "http://127.0.0.1:1"):
            with pytest.raises(InvalidRequest):
                watch(store, address)
        lines = told(write_log(tmp_path, name="a\u202eb\nc"))
        assert watch(store, answering(200, lines)).name == "ab c"
        for wrong in ({"time": 1e300}, {"seconds": 0.0}, {"arms": json.loads(lines)["arms"] * 1001}):
            with pytest.raises(UnsafeUpload):
                watch(store, answering(200, json.dumps(json.loads(lines) | wrong).encode()))


def test_where_strangers_reach_the_server_only_what_is_named_is_watched(
    data_dir: Path, answering: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other = (answering(200, told(write_log(tmp_path / each, name=each))) for each in ("ours", "other"))
    monkeypatch.setenv("WHETSTONE_WATCHED_SERVICES", f"http://elsewhere, {named}/")
    get_settings.cache_clear()
    with open_store() as store:
        assert watch(store, named, exposed=True).name == "ours"
        for target in (other, str(tmp_path / "ours"), ""):
            with pytest.raises(InvalidRequest, match="only services that are named"):
                watch(store, target, exposed=True)
        assert watch(store, other).name == "other"
