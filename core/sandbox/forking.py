"""Fork servers, parent's side: a child that has its libraries from the start is there in milliseconds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from core.sandbox.fork_server import LONGEST_REQUEST, PIPES
from core.sandbox.kernel import is_linux
from core.sandbox.protocol import Message, decode, encode
from core.sandbox.spawn import OURS, environment, in_spawner

MOST = 3
"""Servers of one process, of unlike variables: each holds the memory of what it imported."""
NOWHERE = Path("/nonexistent")
"""HOME of a server itself: it has nothing to keep."""
_Key = tuple[int, tuple[tuple[str, str], ...]]


class Forked:
    """A forked child, as far like `subprocess.Popen` as `core.sandbox.process.Child` needs it.

    Attributes:
        pid: Its process id; nobody else gets it before `wait` has returned.
        parent: Process id of its server, which it dies with.
        returncode: Its exit code, that of a signal negative; None until `wait` has returned.
        orphaned: Whether its server was killed, and it with that.
    """

    def __init__(self, pid: int, parent: int, pipes: Sequence[int]) -> None:
        self.pid, self.parent, self.orphaned = pid, parent, False
        self.returncode: int | None = None
        self.stdin: IO[bytes] = os.fdopen(pipes[0], "wb", buffering=0)
        self.stdout: IO[bytes] = os.fdopen(pipes[1], "rb", buffering=0)
        self.stderr: IO[bytes] = os.fdopen(pipes[2], "rb", buffering=0)
        self._end = pipes[3]

    def wait(self) -> int:
        """Wait for its end and return its exit code; called by one thread at a time."""
        if self.returncode is None:
            told = os.read(self._end, 16)
            # Without a word its server was killed, and the kernel killed it after that.
            self.orphaned = not told
            self.returncode = int(told) if told else -signal.SIGKILL
            os.close(self._end)
        return self.returncode


class _Server:
    def __init__(self, env: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asking = threading.Lock()
        with theirs:
            command = [sys.executable, "-P", "-s", "-m", "core.sandbox.fork_server", str(theirs.fileno())]
            self._process = in_spawner(
                lambda: subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env=dict(env),
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
            )
        self._control.send(encode({"parent": os.getpid()}))

    def fork(self, asked: Message) -> Forked:
        """Return a child, once everything is imported.

        Raises:
            OSError: The server has ended.
        """
        pairs = [os.pipe() for _ in range(PIPES)]
        # What the child reads from is the first of a pair, of its stdin; what it writes to is the second.
        theirs = [pairs[0][0], *(pair[1] for pair in pairs[1:])]
        ours = [pairs[0][1], *(pair[0] for pair in pairs[1:])]
        try:
            pid = self.ask(asked, theirs)
        except OSError:
            for pipe in ours:
                os.close(pipe)
            raise
        finally:
            for pipe in theirs:
                os.close(pipe)
        return Forked(pid, self._process.pid, ours)

    def ask(self, asked: Message, pipes: Sequence[int] = ()) -> int:
        """Have the imports made and, with pipes, a child forked; return its process id.

        Raises:
            OSError: The server has ended.
        """
        with self._asking:
            socket.send_fds(self._control, [encode(asked)], pipes)
            answer = self._control.recv(LONGEST_REQUEST)
        if not answer:
            raise ConnectionResetError("the fork server ended")
        return int(decode(answer)["pid"])

    def end(self) -> None:
        """Let it end once its children have."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0)


_servers: dict[_Key, _Server] = {}
_choosing = threading.Lock()


def fork(
    imports: Sequence[str], module: str, folder: Path, scratch: Path, env: Mapping[str, str]
) -> Forked | None:
    """Return a child that has `imports` imported, or None where the system forks none.

    The other arguments are those of `core.sandbox.spawn.spawn`. Servers are started as they are asked for.
    """
    asked = {"module": module, "folder": folder, "env": environment(scratch, env, OURS.root)}
    for _ in range(2 if is_linux() else 0):  # one that ended, having had nothing to do, is started anew
        key, server = _server(env)
        with suppress(OSError):
            return server.fork({**asked, "imports": imports})
        _drop(key, server)
    return None


def prepare(imports: Sequence[str], env: Mapping[str, str]) -> None:
    """Have `imports` imported before the first child asks for them, and return when they are."""
    if is_linux():
        key, server = _server(env)
        try:
            server.ask({"imports": imports})
        except OSError:
            _drop(key, server)


def _server(env: Mapping[str, str]) -> tuple[_Key, _Server]:
    """Return the server of these variables; of too many, the one asked longest ago ends."""
    own = environment(NOWHERE, env, OURS.root)
    key = (os.getpid(), tuple(sorted(own.items())))
    with _choosing:
        server = _servers.pop(key, None) or _Server(own)
        _servers[key] = server
        spare = [_servers.pop(each) for each in list(_servers)[:-MOST]]
    for each in spare:
        each.end()
    return key, server


def _drop(key: _Key, server: _Server) -> None:
    with _choosing:
        if _servers.get(key) is server:
            del _servers[key]
    server.end()
