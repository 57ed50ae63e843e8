"""What the tests of mishaps share: processes of a data folder, and a server that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from core import registry
from core.settings import get_settings

ROOT = Path(__file__).parents[2]
TOYS = Path(__file__).parents[1] / "engine" / "training" / "toys"


def family(folder: Path) -> list[psutil.Process]:
    """Return every process that works on the data folder: its worker and the children in job folders."""
    found = []
    for process in psutil.process_iter():
        try:
            where = process.cwd()
            data = process.environ().get("WHETSTONE_DATA_DIR", "")
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if where.startswith(str(folder)) or data == str(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def until_alone(folder: Path, seconds: float = 10) -> list[psutil.Process]:
    """Wait until no process works on the data folder; return those that still do after so long."""
    end = time.monotonic() + seconds
    while (left := family(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def kill_all(folder: Path) -> None:
    """Kill what works on the data folder."""
    for process in family(folder):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    reap()


def reap() -> None:
    """Reap the workers that this process started and that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


@contextmanager
def data_in(folder: Path) -> Iterator[Path]:
    """Make `folder` the data folder of this process while the block runs."""
    before = os.environ.get("WHETSTONE_DATA_DIR", "")
    os.environ["WHETSTONE_DATA_DIR"] = str(folder)
    get_settings.cache_clear()
    try:
        yield folder
    finally:
        kill_all(folder)
        os.environ["WHETSTONE_DATA_DIR"] = before
        get_settings.cache_clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A dashboard of its own.

    Attributes:
        port: Where it listens.
        folder: Its data.
        process: Its process.
        log_file: What it printed.
        ready_s: Seconds from the start to the first healthy answer.
    """

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    log_file: Path
    ready_s: float = 0.0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it printed."""
        return self.log_file.read_text()

    def kill(self) -> None:
        """Kill it as the system would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def _healthy(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except (URLError, OSError):
        return False


def start(folder: Path, port: int = 0, log: Path | None = None, **environment: str) -> Server:
    """Start the dashboard as `make run` does and wait until it is healthy."""
    port = port or free_port()
    flags = ["--port", str(port)]
    log = log or folder.parent / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("ab") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "serve", *flags],
            cwd=ROOT,
            env={**os.environ, "WHETSTONE_DATA_DIR": str(folder), **environment},
            stdout=printed,
            stderr=printed,
        )
    server = Server(port, folder, process, log)
    while not _healthy(server.url):
        assert process.poll() is None, server.log
        assert time.monotonic() - began < 60, "the server did not answer within a minute"
        time.sleep(0.02)
    server.ready_s = time.monotonic() - began
    return server


@contextmanager
def serving(folder: Path, log: Path | None = None, **environment: str) -> Iterator[Server]:
    """Run a dashboard while the block runs; nothing of it is left afterwards."""
    server = start(folder, log=log, **environment)
    try:
        yield server
    finally:
        server.kill()
        kill_all(folder)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process, workers and confined ones find the toy trainer of the tests."""
    caches = (get_settings, registry._own_modules, registry._found)
    monkeypatch.setenv("WHETSTONE_EXTENSIONS", str(TOYS))
    for each in caches:
        each.cache_clear()
    yield
    monkeypatch.delenv("WHETSTONE_EXTENSIONS")
    for each in caches:
        each.cache_clear()
