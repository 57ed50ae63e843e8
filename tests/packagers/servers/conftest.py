"""Layouts of model servers, unpacked and served by the real thing."""

from __future__ import annotations

import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.protocols import Package, Packager


def laid_out(packager: Packager, package: Package, folder: Path, **options: Any) -> Path:
    """Write a layout and unpack it; return its folder."""
    folder.mkdir(parents=True)
    packager.write(package, folder / "made.zip", packager.Params(**options))
    zipfile.ZipFile(folder / "made.zip").extractall(folder / "made")
    return folder / "made"


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return found


@contextmanager
def running(folder: Path, words: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python serve.py` in a folder; end it, and all that it started, afterwards."""
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen([sys.executable, "serve.py", *words], cwd=folder, stdout=log, stderr=log)
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(60)
            finally:
                server.kill()


def golden_sent(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Have the folder's own client send the golden inputs."""
    words = [sys.executable, "client.py", f"http://127.0.0.1:{port}", "--wait", "120"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True)
