"""A child that may start a browser: its programs are as confined as it is. Each try works without."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.errors import ChildCrashed
from core.sandbox.process import Child
from tests.sandbox.conftest import CHILD_TIMEOUT, ENV, MODULE, needs_confinement

pytestmark = needs_confinement
FREE = {"confined": False}
DENIED = "PermissionError"


def run(folder: Path, command: str, *, confined: bool = True, **payload: object) -> dict[str, object]:
    with Child(MODULE, writes=folder, env=ENV, browser=True, confined=confined) as child:
        return child.call(command, payload, CHILD_TIMEOUT)


def test_it_starts_programs_that_read_no_more_than_it_does(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the key")
    assert run(tmp_path / "a", "system", argv=["echo", "hi"]) == {"out": "hi\n"}
    assert run(tmp_path / "b", "system", argv=["cat", str(secret)], confined=False) == {"out": "the key"}
    with pytest.raises(ChildCrashed, match="CalledProcessError"):
        run(tmp_path / "c", "system", argv=["cat", str(secret)])


def test_it_reaches_no_server_of_any_kind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        run(tmp_path / "a", "connect", host=host, port=port, confined=False)
        with pytest.raises(ChildCrashed, match=DENIED):
            run(tmp_path / "b", "connect", host=host, port=port)
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        run(tmp_path / "c", "send_to_path", path=path, confined=False)
        with pytest.raises(ChildCrashed, match=DENIED):
            run(tmp_path / "d", "send_to_path", path=path)


def test_it_signals_nobody_outside_and_leaves_no_links(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as neighbour:
        with pytest.raises(ChildCrashed, match=DENIED):
            run(tmp_path / "a", "kill", pid=neighbour.pid, signal=int(signal.SIGUSR1))
        assert psutil.Process(neighbour.pid).status() != psutil.STATUS_ZOMBIE
        neighbour.kill()
    with pytest.raises(ChildCrashed, match=DENIED):
        run(tmp_path / "b", "call", name="symlink", args=["/etc/passwd", "link"])
    assert not list((tmp_path / "b").iterdir())


def test_its_processes_end_with_it_and_are_pinned_with_it(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    with Child(MODULE, writes=tmp_path / "a", env=ENV, browser=True) as child:
        forked = int(child.call("fork", {}, CHILD_TIMEOUT)["pid"])
        child.keep_to({core})
        assert os.sched_getaffinity(forked) == {core}
    with suppress(psutil.NoSuchProcess):
        psutil.Process(forked).wait(10)
