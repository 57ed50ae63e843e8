"""Confined Python subprocess that answers commands, with deadline and cancellation.

with Child("core.bench.timing.host", reads=[model], writes=folder) as child:
    answer = child.call("time", {"calls": 10, "settle_ms": 5.0}, timeout=60)
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

from core.errors import Cancelled, ChildCrashed, InputError, StoreUnusable, WhetstoneError
from core.sandbox.browsers import browser_programs
from core.sandbox.channel import Channel, Ended, Flooded
from core.sandbox.compilers import packaged, programs
from core.sandbox.exit_status import death, oom_kills, timed_out
from core.sandbox.forking import Forked, fork
from core.sandbox.limits import ResourceLimits
from core.sandbox.policy import extensions, require_confinement, usual_limits
from core.sandbox.protocol import Message, decode, encode, error_of, said_to_fail
from core.sandbox.removal import remove_tree
from core.sandbox.spawn import OURS, Interpreter, spawn
from core.sandbox.threads import group_tasks, members, pin_threads, thread_count

LONGEST_REPLY = 4 * 1024**2
# Of what a process says of its progress in one call: more is no news, but a way to keep this process busy.
MOST_PROGRESS, LONGEST_PROGRESS = 100_000, 64 * 1024**2
NOT_ITS_OWN = (Cancelled, StoreUnusable)
"""Errors that end more than one step: no working process says that a run was cancelled or a disk is full."""


class Child:
    """One working process.

    Args:
        module: Dotted module that holds `COMMANDS: dict[str, Callable[[dict], dict]]`.
        reads: Files and folders it may read besides Python and the system's libraries.
        writes: The one folder it may write; made when missing. HOME and TMPDIR lie in a scratch folder
            inside it that is removed at the end. Treat what it leaves there as hostile.
        keeps: Another folder that it may write, which stays as it leaves it; made when missing.
        limits: Memory, processor time, file size, threads, open files; by default what the settings give.
        env: Variables added to its environment, which otherwise holds harmless names only. Folders in its
            PYTHONPATH may be read and imported from.
        confined: Whether Landlock and seccomp close it in. Off only for code and files of our own.
        interpreter: The Python that runs it: ours, or that of a toolchain's environment.
        imports: Modules that it will import anyway: it is forked from a process that has them, see
            `core.sandbox.fork_server`. None starts a Python of its own, as for whatever is timed: forked
            processes lie alike in memory.
        accepts: Descriptor of a listening socket that it may accept connections on, under the same number;
            it may open no other. None for no network at all.
        binds: TCP port that it may bind and accept connections on, for servers that take no socket; it may
            connect to none.
        compiles: Whether it may start this machine's C++ compiler, see `core.sandbox.compilers`.
        starts: Native programs of packages that it may start, such as ``pnnx/pnnx``; see there.
        browser: Whether it may start a browser, as confined as it is and without a network.

    Raises:
        InputError: A path in `reads` does not exist.
        SandboxUnavailable: `confined`, but the system offers no confinement and uploads are not trusted.
    """

    def __init__(
        self,
        module: str,
        *,
        reads: Sequence[Path] = (),
        writes: Path,
        keeps: Path | None = None,
        limits: ResourceLimits | None = None,
        env: Mapping[str, str] | None = None,
        confined: bool = True,
        interpreter: Interpreter = OURS,
        imports: Sequence[str] | None = None,
        accepts: int | None = None,
        binds: int | None = None,
        compiles: bool = False,
        starts: Sequence[str] = (),
        browser: bool = False,
    ) -> None:
        if confined:
            require_confinement()
        folder, self._limits = _made(writes), limits or usual_limits()
        setup: Message = {
            "reads": [_existing(path) for path in (*reads, *extensions())],
            "writes": [folder, *([_made(keeps)] if keeps else [])],
            "programs": [
                *map(str, programs() if compiles else ()),
                *map(str, packaged(starts)),
                *map(str, browser_programs() if browser else ()),
            ],
            "limits": asdict(self._limits),
            "confined": confined,
            "accepts": accepts is not None,
            "binds": binds,
        }
        self._alone = not (compiles or starts or browser)
        self._tasks = thread_count if self._alone else group_tasks
        self._calling, self._ending = threading.Lock(), threading.Lock()
        self._cancelled = self._stopped = False
        self._oom_kills = oom_kills()
        self._scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=folder))
        start = (module, folder, self._scratch, env or {})
        forked = fork(imports, *start) if imports is not None and interpreter == OURS else None
        self._process = forked or spawn(*start, interpreter, () if accepts is None else (accepts,))
        self._channel = Channel(self._process, LONGEST_REPLY)
        setup |= {"scratch": [self._scratch] if browser else []}
        self._channel.send(encode(setup | {"parent": forked.parent if forked else os.getpid()}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def call(
        self,
        command: str,
        payload: Message,
        timeout: float,
        *,
        step: str = "",
        on_progress: Callable[[Message], None] | None = None,
    ) -> Message:
        """Run one command and wait for its answer. One call at a time; other threads queue.

        Args:
            command: Name in the module's COMMANDS.
            payload: Values with a JSON form; NaN and infinities survive, paths become text.
            timeout: Seconds; the first call includes the start and the module's import. When they are
                over, the whole process group is killed.
            step: What messages call the command; its own name if empty.
            on_progress: Told what the command says before its answer; input, as the answer is.

        Returns:
            What the command returned. It comes from a process that may run hostile code: check it as input.

        Raises:
            WhetstoneError: The command raised it, in its own class, with its message and hint.
            ChildCrashed: The command raised anything else, or the process died.
            OutOfMemory: It needed more memory than it may take.
            ChildTimeout: No answer in time.
            Cancelled: Another thread called `kill`.
        """
        step = step or command
        with self._calling:
            if self._stopped:
                raise ChildCrashed(f"The working process was stopped before the step {step!r}.")
            self._channel.send(encode({"command": command, "payload": payload}))
            reply = self._answer(step, timeout, on_progress)
        if isinstance(problem := reply.get("error"), dict):
            error = error_of(said_to_fail(problem))
            if isinstance(error, NOT_ITS_OWN):
                raise ChildCrashed(f"The step {step!r} failed: {error.message}", hint=error.hint)
            raise error
        result = reply.get("result")
        if not isinstance(result, dict):
            raise ChildCrashed(f"The step {step!r} gave no usable answer.")
        return result

    def _answer(self, step: str, timeout: float, on_progress: Callable[[Message], None] | None) -> Message:
        """Wait for the answer, and pass on what comes before it."""
        end, told, length = time.monotonic() + timeout, 0, 0
        while True:
            line = self._line(step, end)
            if line is None:
                self._stop()
                raise timed_out(step, f"did not finish within {timeout:g} seconds", self._channel.errors)
            reply = self._decoded(line, step)
            if not isinstance(said := reply.get("progress"), dict):
                return reply
            told, length = told + 1, length + len(line)
            if told > MOST_PROGRESS or length > LONGEST_PROGRESS:
                self._stop()
                raise ChildCrashed(f"The step {step!r} said more of its progress than is honest.")
            if on_progress is not None:
                on_progress(said)

    def _line(self, step: str, end: float) -> bytes | None:
        try:
            return self._channel.receive(end - time.monotonic(), self._check_threads)
        except Ended:
            raise self._death(step) from None
        except Flooded:
            self._stop()
            raise ChildCrashed(f"The answer of the step {step!r} was too long to be honest.") from None

    def keep_to(self, cores: set[int]) -> None:
        """Keep its threads, those that its libraries started too, and all that they will start on `cores`.

        It is done from outside: a confined process may change no thread's cores but the calling one's.
        """
        for process in (self.pid,) if self._alone else members(self.pid):
            pin_threads(process, cores)

    def rested(self) -> None:
        """Take no note of what befell other processes while this one waited: its end is told by that."""
        self._oom_kills = oom_kills()

    def kill(self) -> None:
        """Stop the process now; a call that waits in another thread raises Cancelled."""
        self._cancelled = True
        self._signal_group()

    def close(self) -> None:
        """Stop and reap the process, close the pipes, remove its scratch folder. Safe to call twice."""
        self._stop()
        with self._calling:
            self._channel.close()
        remove_tree(self._scratch)

    def _check_threads(self) -> None:
        """Stop a process with too many threads: the kernel holds no limit to those of root."""
        most = self._limits.threads
        if most and self._tasks(self.pid) > most:
            self._stop()
            raise ChildCrashed(
                f"The working process started more than {most} threads and was stopped.",
                hint="No honest model needs so many; do not trust the upload.",
            )

    def _decoded(self, line: bytes, step: str) -> Message:
        try:
            return decode(line)
        except (ValueError, RecursionError) as error:
            self._stop()
            raise ChildCrashed(f"The step {step!r} gave an answer that cannot be read.") from error

    def _death(self, command: str) -> WhetstoneError:
        code = self._end()
        if self._cancelled:
            return Cancelled(f"The step {command!r} was stopped.")
        now, before = oom_kills(), self._oom_kills
        oom = None if now is None or before is None else now - before
        orphaned = isinstance(self._process, Forked) and self._process.orphaned
        return death(command, code, self._channel.errors, oom, orphaned)

    def _signal_group(self) -> None:
        with self._ending:  # a reaped process's id may belong to somebody else
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _stop(self) -> None:
        self._stopped = True
        self._end()

    def _end(self) -> int:
        """Kill what is left of the group, reap the process and return its exit code.

        A process that has ended already keeps the code of its own end: signals reach only its children.
        """
        self._signal_group()
        with self._ending:
            return self._process.wait()


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"The file {path.name} does not exist.", hint="Upload it again.")
    return path.resolve()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
