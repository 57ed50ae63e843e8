"""What a confined child cannot do. Each try is first shown to work without confinement."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import ChildCrashed
from core.sandbox.confinement import confinement
from core.sandbox.limits import ResourceLimits
from tests.sandbox.conftest import Run, needs_confinement

pytestmark = needs_confinement
FREE = {"confined": False}
DENIED = "PermissionError"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("the key")
    path.chmod(0o600)
    return path


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()


def test_says_what_it_offers() -> None:
    offer = confinement()
    assert offer.landlock_abi >= 1
    assert offer.seccomp
    assert "Landlock" in offer.reason


def test_cannot_read_outside(run: Run, secret: Path) -> None:
    assert run("read", path=str(secret), options=FREE) == {"text": "the key"}
    with pytest.raises(ChildCrashed, match=DENIED):
        run("read", path=str(secret))


def test_reads_what_it_was_given_and_cannot_change_it(run: Run, secret: Path) -> None:
    given = {"reads": [secret]}
    assert run("read", path=str(secret), options=given) == {"text": "the key"}
    tries: list[tuple[str, dict[str, Any]]] = [
        ("write", {"path": str(secret)}),
        ("call", {"name": "truncate", "args": [str(secret), 0]}),
        ("call", {"name": "open", "args": [str(secret), os.O_RDONLY | os.O_TRUNC]}),
        ("call", {"name": "unlink", "args": [str(secret)]}),
        ("call", {"name": "rename", "args": [str(secret), "mine"]}),
        ("call", {"name": "link", "args": [str(secret), "mine"]}),
    ]
    for command, payload in tries:
        with pytest.raises(ChildCrashed, match=r"PermissionError|Invalid cross-device link"):
            run(command, options=given, **payload)
    assert secret.read_text() == "the key"


def test_cannot_change_modes_outside(run: Run, secret: Path) -> None:
    run("call", name="chmod", args=[str(secret), 0o640], options=FREE)
    assert secret.stat().st_mode & 0o777 == 0o640
    run("call", name="chmod", args=[str(secret), 0o777])
    assert secret.stat().st_mode & 0o777 == 0o640


def test_cannot_write_outside(run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    run("write", path=str(outside), options=FREE)
    assert outside.exists()
    outside.unlink()
    with pytest.raises(ChildCrashed, match=DENIED):
        run("write", path=str(outside))
    assert not outside.exists()


def test_writes_and_copies_inside_its_folder(run: Run, folder: Path, secret: Path) -> None:
    run("write", path="note")
    assert (folder / "note").read_text() == "x"
    run("copy", source=str(secret), target="copy", options={"reads": [secret]})
    assert (folder / "copy").read_text() == "the key"


@pytest.mark.parametrize(("name", "args"), [("symlink", ["/etc/passwd", "link"]), ("mkfifo", ["pipe"])])
def test_cannot_leave_traps_in_its_folder(run: Run, folder: Path, name: str, args: list[str]) -> None:
    run("call", name=name, args=args, options=FREE)
    (folder / args[-1]).unlink()
    with pytest.raises(ChildCrashed, match=DENIED):
        run("call", name=name, args=args)


@pytest.mark.parametrize("path", ["/etc/shadow", "/dev/mem", "/root/.bashrc"])
def test_cannot_read_the_systems_secrets(run: Run, path: str) -> None:
    if not Path(path).exists():
        pytest.skip(f"{path} is not on this system")
    with pytest.raises(ChildCrashed, match=DENIED):
        run("read", path=path)


def test_cannot_read_the_parents_environment(run: Run) -> None:
    path = f"/proc/{os.getpid()}/environ"
    assert run("read", path=path, options=FREE)["text"]
    with pytest.raises(ChildCrashed, match=DENIED):
        run("read", path=path)


def test_cannot_connect(run: Run, server: tuple[str, int]) -> None:
    host, port = server
    run("connect", host=host, port=port, options=FREE)
    with pytest.raises(ChildCrashed, match=DENIED):
        run("connect", host=host, port=port)


def test_cannot_start_programs(run: Run) -> None:
    assert run("system", argv=["echo", "hi"], options=FREE) == {"out": "hi\n"}
    with pytest.raises(ChildCrashed, match=DENIED):
        run("system", argv=["echo", "hi"])


def test_cannot_fork(run: Run) -> None:
    assert run("fork", options=FREE)["pid"] > 0
    with pytest.raises(ChildCrashed, match=DENIED):
        run("fork")


@pytest.fixture
def neighbour() -> Iterator[int]:
    """The process id of somebody else's program."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize("command", ["kill", "signal_by_pipe"])
def test_cannot_signal_others(run: Run, neighbour: int, command: str) -> None:
    number = signal.SIGUSR1
    with subprocess.Popen(["sleep", "600"]) as victim:
        run(command, pid=victim.pid, signal=int(number), options=FREE)
        assert victim.wait(10) == -number, "the attempt must work, or this test proves nothing"
    with pytest.raises(ChildCrashed, match=DENIED):
        run(command, pid=neighbour, signal=int(number))
    assert psutil.Process(neighbour).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "name", ["sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"]
)
def test_cannot_change_how_others_run(run: Run, neighbour: int, name: str) -> None:
    before = _scheduling(neighbour)
    run("reschedule", name=name, pid=neighbour, options=FREE)
    after = _scheduling(neighbour)
    assert after != before or name == "sched_setparam", "the attempt must work, or this test proves nothing"
    run("reschedule", name=name, pid=0)
    with pytest.raises(ChildCrashed, match=DENIED):
        run("reschedule", name=name, pid=neighbour)
    assert _scheduling(neighbour) == after


def _scheduling(pid: int) -> tuple[set[int], int, int]:
    return os.sched_getaffinity(pid), os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid)


def test_cannot_send_to_sockets_with_a_path(run: Run, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.setblocking(False)
        run("send_to_path", path=path, options=FREE)
        assert listening.recv(2) == b"hi"
        with pytest.raises(ChildCrashed, match=DENIED):
            run("send_to_path", path=path)
        with pytest.raises(BlockingIOError):
            listening.recv(2)
    assert run("talk_to_itself") == {"got": "hi"}


@pytest.mark.parametrize("command", ["outlive", "watch_files"])
def test_cannot_outlive_its_parent_or_watch_files(run: Run, command: str) -> None:
    run(command, options=FREE)
    with pytest.raises(ChildCrashed, match=DENIED):
        run(command)


def test_cannot_fill_the_disk_with_one_file(run: Run, folder: Path) -> None:
    with pytest.raises(ChildCrashed, match="File too large"):
        run("write", path="large", bytes=2_000_000, options={"limits": ResourceLimits(file_bytes=1_000_000)})
    assert (folder / "large").stat().st_size <= 1_000_000


def test_open_files_are_limited(run: Run) -> None:
    assert (
        run("call", name="getuid", args=[], options={"limits": ResourceLimits(open_files=64)})["value"]
        == os.getuid()
    )
    with pytest.raises(ChildCrashed, match="Too many open files"):
        run("open_many", count=100, options={"limits": ResourceLimits(open_files=64)})
