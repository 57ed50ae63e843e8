"""The parent's end of a child's three pipes: send a line, wait for a line, keep the tail of stderr."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from math import inf
from typing import IO

from core.sandbox.forking import Forked
from core.texts import detail

KEPT_STDERR = 64 * 1024
WATCH_S = 0.2
# From an answer's first byte to its last: an honest child writes it at once.
LONGEST_REPLY_S = 30.0
_PIECE = 1 << 20


class Ended(Exception):
    """The child ended before it answered."""


class Flooded(Exception):
    """The child's answer is longer than any honest one."""


class Channel:
    """Lines to and from one process; waits in poll(2), never spins.

    Args:
        process: Started with pipes for stdin, stdout and stderr, unbuffered.
        longest: Bytes after which an unfinished answer is given up.
    """

    def __init__(self, process: subprocess.Popen[bytes] | Forked, longest: int) -> None:
        self._stdin, self._stdout, self._stderr = (
            _pipe(p) for p in (process.stdin, process.stdout, process.stderr)
        )
        self._pidfd = _pidfd(process.pid)
        self._longest = longest
        self._outgoing = bytearray()
        self._incoming, self._newline, self._reply_by = bytearray(), -1, inf
        self._errors = bytearray()

    @property
    def errors(self) -> str:
        """The last lines that the child wrote to stderr (and stdout)."""
        return detail(self._errors.decode(errors="replace"))

    def send(self, line: bytes) -> None:
        """Queue a line; it leaves while `receive` waits."""
        self._outgoing += line

    def receive(self, timeout: float, watch: Callable[[], None] = lambda: None) -> bytes | None:
        """Return the next line, or None when `timeout` seconds passed without one.

        Args:
            timeout: Seconds.
            watch: Called a few times a second meanwhile; what it raises ends the wait.

        Raises:
            Ended: The process ended, or closed the pipe, before it answered.
            Flooded: The answer is too long.
        """
        deadline = time.monotonic() + timeout
        while (line := self._take_line()) is None:
            left = min(deadline, self._reply_by) - time.monotonic()
            if left <= 0:
                return None
            ready = self._poll(min(left, WATCH_S))
            watch()
            # Read before looking at the process: an answer may have come just before its end.
            self._read_errors()
            open_pipe = self._read_answer()
            self._write()
            if (self._pidfd in ready or not open_pipe) and self._newline < 0:
                raise Ended
        return line

    def close(self) -> None:
        """Close all descriptors."""
        for pipe in (self._stdin, self._stdout, self._stderr):
            pipe.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def _poll(self, seconds: float) -> set[int]:
        poller = select.poll()
        for descriptor in (self._stdout.fileno(), self._stderr.fileno(), self._pidfd):
            if descriptor >= 0:
                poller.register(descriptor, select.POLLIN)
        if self._outgoing:
            poller.register(self._stdin.fileno(), select.POLLOUT)
        return {descriptor for descriptor, _ in poller.poll(seconds * 1000)}

    def _take_line(self) -> bytes | None:
        if self._newline < 0:
            return None
        line = bytes(self._incoming[: self._newline])
        del self._incoming[: self._newline + 1]
        self._newline, self._reply_by = self._incoming.find(b"\n"), inf
        return line

    def _read_answer(self) -> bool:
        """Read what is there; return False when the child closed its end."""
        while (piece := self._stdout.read(_PIECE)) is not None:
            if not piece:
                return False
            if not self._incoming:
                self._reply_by = time.monotonic() + LONGEST_REPLY_S
            # Only in what is new: a child that sends byte by byte would have the parent search all each time.
            if self._newline < 0 and (found := piece.find(b"\n")) >= 0:
                self._newline = len(self._incoming) + found
            self._incoming += piece
            if len(self._incoming) > self._longest:
                raise Flooded
        return True

    def _read_errors(self) -> None:
        if piece := self._stderr.read(_PIECE):
            self._errors += piece
            del self._errors[:-KEPT_STDERR]

    def _write(self) -> None:
        try:
            written = self._stdin.write(self._outgoing) if self._outgoing else 0
        except BrokenPipeError:
            raise Ended from None
        del self._outgoing[: written or 0]


def _pidfd(pid: int) -> int:
    """Return a descriptor that becomes readable at the process's end; -1 where the system has none.

    Without it the end shows when the pipes close, which a grandchild that holds them can delay.
    """
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return -1


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process was started without this pipe")
    os.set_blocking(pipe.fileno(), False)
    return pipe
