"""A real server with its own data folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test ran")
from playwright.sync_api import Page, expect

# A busy machine may take long to redraw; what never comes still fails.
expect.set_options(timeout=30_000)

ROOT = Path(__file__).parents[2]


DRAWN = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const busy = document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
    const calm = app && app.dataset.testScriptState === "notRunning" && !busy;
    window.calmLooks = calm ? (window.calmLooks || 0) + 1 : 0;
    return window.calmLooks >= 3;
}"""


@dataclass(frozen=True)
class Server:
    """A running dashboard.

    Attributes:
        url: Where it answers.
        folder: Its data.
        process: The server's own process.
        ready_s: Seconds from the start to the first healthy answer.
    """

    url: str
    folder: Path
    process: psutil.Process
    ready_s: float


def settled(page: Page) -> None:
    """Wait until a page is drawn, however long that takes: half-drawn it is pale and lacks names."""
    expect(page.get_by_test_id("stMain")).not_to_be_empty()
    page.wait_for_function(DRAWN, polling=200, timeout=60_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return answer.read() == b"ok"
    except (URLError, OSError):
        return False


def _stop(process: psutil.Process) -> None:
    family = [process, *process.children(recursive=True)]
    for each in family:
        try:
            each.terminate()
        except psutil.NoSuchProcess:
            continue
    for each in psutil.wait_procs(family, timeout=10)[1]:
        each.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the dashboard as `make run` does."""
    yield from serving(tmp_path_factory.mktemp("server"))


def serving(folder: Path) -> Iterator[Server]:
    """Serve the data in `folder` while the caller goes on."""
    port = free_port()
    environment = {**os.environ, "WHETSTONE_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "core", "serve", "--port", str(port)]
    url, began = f"http://127.0.0.1:{port}", time.monotonic()
    with (folder / "server.log").open("wb") as log:
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        process = psutil.Process(started.pid)
        try:
            while not _healthy(url):
                assert started.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() - began < 60, "the server did not answer within a minute"
                time.sleep(0.1)
            yield Server(url, folder / "data", process, time.monotonic() - began)
        finally:
            _stop(process)
            started.wait(timeout=10)
