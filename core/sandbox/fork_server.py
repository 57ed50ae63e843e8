"""Fork server, server's side: imports modules once, and forks a process that has them for every child.

`python -m core.sandbox.fork_server DESCRIPTOR`: the descriptor is a socket on which each message asks for one
child and brings its pipes. A forked child has one thread, closes what is not its own, and goes on as
`core.sandbox.entry`, which confines it before it reads a command. The server opens nothing of a stranger.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from core.sandbox.entry import main as serve_commands
from core.sandbox.kernel import die_with_parent
from core.sandbox.protocol import Message, decode, encode

LONGEST_REQUEST = 1 << 17
IDLE_S = 600.0
"""Nobody asked for so long: the memory is worth more than the next child's start."""
PIPES = 4
"""Of a child: its stdin, stdout and stderr, and where its end is told."""


def main(descriptor: int) -> None:
    """Fork children until the parent hangs up or has asked for none for long."""
    control = socket.socket(fileno=descriptor)
    die_with_parent(decode(control.recv(LONGEST_REQUEST))["parent"])
    _Server(control).run()


def _import(modules: Sequence[str]) -> None:
    missing = [name for name in modules if name not in sys.modules]
    for name in missing:
        with suppress(Exception):  # the child that needs it says so in words of its own
            importlib.import_module(name)
    if missing:
        gc.collect()
        gc.freeze()  # looked at no more, so that children share its memory for longer


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control, self._over = control, False
        self._running: dict[int, int] = {}
        self._ended: dict[int, int] = {}
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poller = select.poll()
        for descriptor in (control.fileno(), self._woken):
            self._poller.register(descriptor, select.POLLIN)

    def run(self) -> None:
        """Serve until the parent hangs up, or nobody asks for long; children go on to their ends."""
        while ready := self._poller.poll(None if self._running else 1000 * IDLE_S):
            for descriptor, _ in ready:
                if descriptor == self._woken:
                    os.read(self._woken, 4096)
                    self._tell_ends()
                elif descriptor == self._control.fileno():
                    self._answer()
                else:
                    self._forget(descriptor)
            if self._over and not self._running:
                return

    def _answer(self) -> None:
        """Import what is asked for and, where pipes come with it, fork a child."""
        data, pipes, _, _ = socket.recv_fds(self._control, LONGEST_REQUEST, PIPES)
        if not data:
            self._over = True
            self._poller.unregister(self._control)
            return
        asked = decode(data)
        _import(asked["imports"])
        self._control.send(encode({"pid": self._fork(asked, pipes) if pipes else 0}))

    def _fork(self, asked: Message, pipes: Sequence[int]) -> int:
        child = os.fork()
        if not child:
            self._become(asked, pipes)
        with suppress(ProcessLookupError):
            os.setpgid(child, child)
        for pipe in pipes[:-1]:
            os.close(pipe)
        self._running[child] = pipes[-1]
        return child

    def _become(self, asked: Message, pipes: Sequence[int]) -> NoReturn:
        """Go on as the child, with nothing of the server's."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            self._control.close()
            for other in (self._woken, self._waker, pipes[-1], *self._running.values(), *self._ended):
                os.close(other)
            for target, pipe in enumerate(pipes[:-1]):
                os.dup2(pipe, target)
                os.close(pipe)
            os.chdir(asked["folder"])
            os.environ.clear()
            os.environ.update(asked["env"])
            tempfile.tempdir = None
            serve_commands(asked["module"])
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _tell_ends(self) -> None:
        """Tell who has ended; each stays a zombie, so that its id is nobody else's, until that was read."""
        for child, pipe in list(self._running.items()):
            found = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                continue
            code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
            self._ended[pipe] = child
            del self._running[child]
            with suppress(BrokenPipeError):
                os.write(pipe, str(code).encode())
            self._poller.register(pipe, 0)  # POLLERR comes when the parent has closed its end

    def _forget(self, pipe: int) -> None:
        os.waitpid(self._ended.pop(pipe), 0)
        self._poller.unregister(pipe)
        os.close(pipe)


if __name__ == "__main__":
    main(int(sys.argv[1]))
