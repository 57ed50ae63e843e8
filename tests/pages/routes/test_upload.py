from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import anyio
import pytest
from starlette.applications import Starlette
from starlette.routing import Router
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from core.settings import get_settings
from pages.routes import ROUTES, tickets
from pages.routes.room import COPIES, SPARE, STEP, DiskFull, Room
from pages.routes.upload import COOKIE
from pages.routes.upload_parts import safe_name

XSRF = generate_xsrf_token_string()
OWNER = tickets.owner_of(XSRF)
HEADERS = {"X-Xsrftoken": XSRF, "X-File-Name": "my%20model.pt2"}


@pytest.fixture
def client(data_dir: Path) -> TestClient:
    return TestClient(Starlette(routes=ROUTES), cookies={COOKIE: XSRF})


def files() -> list[Path]:
    folder = tickets.uploads_folder()
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_a_file_arrives_once_and_only_its_owner_gets_it(client: TestClient) -> None:
    token = tickets.issue(OWNER)
    answer = client.put(f"/upload/{token}", content=b"x" * 3_000_000, headers=HEADERS)
    assert answer.status_code == 200
    assert answer.json() == {"name": "my model.pt2", "size": 3_000_000}
    assert tickets.take(token, "somebody else") is None
    path = tickets.take(token, OWNER)
    assert path is not None
    assert path.read_bytes() == b"x" * 3_000_000
    assert tickets.take(token, OWNER) is None


@pytest.mark.parametrize("headers", [{}, {"X-Xsrftoken": generate_xsrf_token_string()}])
def test_without_the_xsrf_token_nothing_is_stored(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.put(f"/upload/{tickets.issue(OWNER)}", content=b"x", headers=headers)
    assert answer.status_code == 403
    assert "Reload the page" in answer.json()["error"]["hint"]
    assert not files()


def test_a_ticket_of_another_browser_is_refused(client: TestClient) -> None:
    token = tickets.issue(tickets.owner_of(generate_xsrf_token_string()))
    assert client.put(f"/upload/{token}", content=b"x", headers=HEADERS).status_code == 403
    assert not files()


def test_a_ticket_serves_one_upload(client: TestClient) -> None:
    token = tickets.issue(OWNER)
    assert client.put(f"/upload/{token}", content=b"x", headers=HEADERS).status_code == 200
    assert client.put(f"/upload/{token}", content=b"y", headers=HEADERS).status_code == 403
    assert client.put("/upload/guessed", content=b"y", headers=HEADERS).status_code == 403


@pytest.mark.parametrize("declared", [True, False])
def test_over_the_limit_is_413_with_a_clear_message(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    monkeypatch.setenv("WHETSTONE_UPLOAD_LIMIT_BYTES", "2000000")
    get_settings.cache_clear()
    token = tickets.issue(OWNER)
    body = b"x" * 3_000_000
    content = body if declared else iter([body[:1_500_000], body[1_500_000:]])
    answer = client.put(f"/upload/{token}", content=content, headers=HEADERS)  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert answer.json()["error"]["message"].startswith("The file is larger than 2 MB")
    assert not files()
    assert client.put(f"/upload/{token}", content=b"small", headers=HEADERS).status_code == 200


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..%2F..%2Fevil.pt2", "evil.pt2"),
        ("C:\\models\\a.onnx", "a.onnx"),
        ("...", "upload"),
        ("", "upload"),
        ("a\x00b<script>.pt", "a_b_script_.pt"),
        ("größe.pt2", "größe.pt2"),
    ],
)
def test_names_cannot_leave_the_folder(given: str, name: str) -> None:
    assert safe_name(given) == name


def parts(*listed: tuple[str, int]) -> dict[str, str]:
    return {"X-Xsrftoken": XSRF, "X-File-Parts": quote(json.dumps(listed))}


def test_files_that_belong_together_arrive_in_a_folder(client: TestClient) -> None:
    token, body = tickets.issue(OWNER), b"<net/>" + b"w" * 3_000_000
    headers = parts(("../net.xml", 6), ("net.bin", 3_000_000))
    answer = client.put(f"/upload/{token}", content=body, headers=headers)
    assert answer.json() == {"name": "net.xml", "size": len(body)}
    folder = tickets.take(token, OWNER)
    assert folder is not None
    assert sorted(each.name for each in folder.iterdir()) == ["net.bin", "net.xml"]
    assert (folder / "net.xml").read_bytes() == b"<net/>"
    assert (folder / "net.bin").read_bytes() == b"w" * 3_000_000
    assert folder.parent.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize(
    "listed",
    [
        [("a.xml", 3), ("a.xml", 3)],
        [("a.xml", 3), ("a.bin", 2)],
        [("a.xml", 3), ("a.bin", 4)],
        [("a.xml", 6), ("a.bin", 0)],
        [("a.xml", 7), ("a.bin", -1)],
        [(f"{at}.bin", 1) for at in range(100)],
        [("x" * 20_000, 6)],
        ["nothing"],
    ],
    ids=["one name", "more", "less", "empty", "negative", "too many", "too long", "no pairs"],
)
def test_files_that_cannot_be_told_apart_are_refused(client: TestClient, listed: list[Any]) -> None:
    answer = client.put(f"/upload/{tickets.issue(OWNER)}", content=b"abcdef", headers=parts(*listed))
    assert answer.status_code == 400
    assert "cannot be taken together" in answer.json()["error"]["message"]
    assert not files()


def test_forgotten_uploads_are_swept(client: TestClient) -> None:
    client.put(f"/upload/{tickets.issue(OWNER)}", content=b"x", headers=HEADERS)
    folder = next(tickets.uploads_folder().iterdir())
    tickets.sweep()
    assert folder.exists()
    tickets.sweep(now=folder.stat().st_mtime + tickets.LIFETIME_S + 1)
    assert not folder.exists()


def test_an_upload_sweeps_forgotten_ones(client: TestClient) -> None:
    client.put(f"/upload/{tickets.issue(OWNER)}", content=b"x", headers=HEADERS)
    forgotten = next(tickets.uploads_folder().iterdir())
    long_ago = time.time() - tickets.LIFETIME_S - 60
    os.utime(forgotten, (long_ago, long_ago))
    client.put(f"/upload/{tickets.issue(OWNER)}", content=b"y", headers=HEADERS)
    assert not forgotten.exists()
    assert len(files()) == 1


def test_a_folder_that_cannot_be_written_is_said_so(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WHETSTONE_DATA_DIR", str(tmp_path / "file" / "below"))
    get_settings.cache_clear()
    answer = client.put(f"/upload/{tickets.issue(OWNER)}", content=b"x", headers=HEADERS)
    assert answer.status_code == 507
    assert answer.json()["error"]["message"] == "The server could not write the file: Not a directory."


GB = 1000**3


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that says how much room the disk has from now on."""

    def have(size: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size))

    return have


def test_uploads_under_way_are_counted_together(data_dir: Path, free: Callable[[int], None]) -> None:
    free(45 * GB)
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(Room(data_dir)).claim(4 * GB)
        with pytest.raises(DiskFull), Room(data_dir) as sixth:
            sixth.claim(4 * GB)
    with Room(data_dir) as alone:
        alone.claim(20 * GB)


def test_a_file_whose_size_nobody_said_stops_when_the_disk_is_full(
    client: TestClient, free: Callable[[int], None]
) -> None:
    free(SPARE + COPIES * STEP)
    token = tickets.issue(OWNER)
    body = iter([b"x" * (STEP // 2)] * 3)
    answer = client.put(f"/upload/{token}", content=body, headers=HEADERS)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
    assert not files()
    assert client.put(f"/upload/{token}", content=b"small", headers=HEADERS).status_code == 200


def test_a_declared_file_stops_when_something_else_fills_the_disk(
    client: TestClient, free: Callable[[int], None]
) -> None:
    free(10 * GB)

    def body() -> Iterator[bytes]:
        yield b"x" * STEP
        free(SPARE // 2)
        yield b"x" * STEP

    size = {"Content-Length": str(2 * STEP)}
    answer = client.put(f"/upload/{tickets.issue(OWNER)}", content=body(), headers={**HEADERS, **size})
    assert answer.status_code == 507
    assert not files()


@pytest.mark.parametrize("pause_s", [10.0, 0.01])
def test_an_upload_that_trickles_is_given_up(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, pause_s: float
) -> None:
    monkeypatch.setattr(sys.modules["pages.routes.upload"], "IDLE_S", 0.2)
    token, answers = tickets.issue(OWNER), []

    async def receive() -> dict[str, object]:
        await anyio.sleep(pause_s)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        answers.append(message)

    headers = {**HEADERS, "Cookie": f"{COOKIE}={XSRF}"}
    scope = {
        "type": "http", "method": "PUT", "path": f"/upload/{token}", "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    began = time.monotonic()
    # In a thread of its own: where a browser is driven, this one has an event loop already.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(anyio.run, Router(routes=ROUTES), scope, receive, send).result()
    assert time.monotonic() - began < 5
    assert answers[0]["status"] == 408
    assert not files()


def test_nobodys_tickets_crowd_out_anothers() -> None:
    mine = tickets.issue(OWNER)
    busy = tickets.issue("crowd")
    assert tickets.claim(busy, "crowd")
    first = tickets.issue("crowd")
    for _ in range(2 * tickets.MOST):
        tickets.issue("crowd")
    assert len(tickets._tickets) == tickets.MOST
    assert tickets.claim(first, "crowd") is None
    assert tickets.claim(mine, OWNER) is not None
    assert tickets._tickets[busy].busy


@pytest.mark.parametrize(
    "said", ['[["a", Infinity], ["b", 1]]', "[" * 5000, '{"ab": 1}', '[["a", -1], ["b", 1]]']
)
def test_parts_that_cannot_be_are_refused_in_words(client: TestClient, said: str) -> None:
    headers = {"X-Xsrftoken": XSRF, "X-File-Parts": said}
    answer = client.put(f"/upload/{tickets.issue(OWNER)}", content=b"x", headers=headers)
    assert answer.status_code == 400
    assert "cannot be taken together" in answer.json()["error"]["message"]
