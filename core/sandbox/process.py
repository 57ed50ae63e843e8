"""A fresh Python process that answers commands, and that can be stopped at any moment.

with Child("core.runtimes.serve", reads=[model], writes=folder) as child:
    answer = child.call("open", {"path": str(model)}, timeout=60)
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from core.errors import Cancelled, ChildCrashed, ChildTimeout, InputError, OutOfMemory, SandboxUnavailable
from core.sandbox.channel import Channel, Ended, Flooded
from core.sandbox.limits import Limits
from core.sandbox.protocol import MEMORY_HINT, Message, decode, encode, raise_failure, speaks_of_memory
from core.sandbox.spawn import spawn
from core.sandbox.support import confinement
from core.settings import get_settings

LONGEST_REPLY = 256 * 1024**2
TIME_HINT = "Try a smaller model or less data, or raise WHETSTONE_CHILD_TIMEOUT_S."


class Child:
    """One working process.

    Args:
        module: Dotted module that holds `COMMANDS: dict[str, Callable[[dict], dict]]`.
        reads: Files and folders it may read besides Python and the system's libraries.
        writes: The one folder it may write; made when missing. HOME and TMPDIR lie in a scratch folder
            inside it that is removed at the end. Treat what it leaves there as hostile.
        limits: Memory, processor time, file size, processes, open files.
        cpus: Processors it is pinned to; None for all.
        env: Variables added to its environment, which otherwise holds harmless names only. Folders in its
            PYTHONPATH may be read and imported from.
        confined: Whether Landlock and seccomp close it in. Off only for code and files of our own.

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
        limits: Limits | None = None,
        cpus: Collection[int] | None = None,
        env: Mapping[str, str] | None = None,
        confined: bool = True,
    ) -> None:
        if confined:
            _require_confinement()
        folder = _made(writes)
        setup: Message = {
            "parent": os.getpid(),
            "reads": [_existing(path) for path in reads],
            "writes": folder,
            "limits": asdict(limits or Limits()),
            "cpus": sorted(cpus or ()),
            "confined": confined,
        }
        self._calling, self._ending = threading.Lock(), threading.Lock()
        self._cancelled = self._stopped = False
        self._peak = 0
        self._scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=folder))
        self._process = spawn(module, folder, self._scratch, env or {})
        self._channel = Channel(self._process, LONGEST_REPLY)
        self._channel.send(encode(setup))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def peak_rss_bytes(self) -> int:
        """Most physical memory it held, in bytes; after its end, as of the last call it survived."""
        self._note_peak()
        return self._peak

    def call(self, command: str, payload: Message, timeout: float) -> Message:
        """Run one command and wait for its answer. One call at a time; other threads queue.

        Args:
            command: Name in the module's COMMANDS.
            payload: Values with a JSON form; NaN and infinities survive, paths become text.
            timeout: Seconds; the first call includes the start and the module's import. When they are
                over, the whole process group is killed.

        Returns:
            What the command returned. It comes from a process that may run hostile code: check it as input.

        Raises:
            WhetstoneError: The command raised it, in its own class, with its message and hint.
            ChildCrashed: The command raised anything else, or the process died.
            OutOfMemory: It needed more memory than it may take.
            ChildTimeout: No answer in time.
            Cancelled: Another thread called `kill`.
        """
        with self._calling:
            if self._stopped:
                raise ChildCrashed(f"The working process was stopped before the step {command!r}.")
            try:
                self._channel.send(encode({"command": command, "payload": payload}))
                line = self._channel.receive(timeout)
            except Ended:
                self._raise_death(command)
            except Flooded:
                self._stop()
                raise ChildCrashed(f"The answer of the step {command!r} was too long to be honest.") from None
            self._note_peak()
        if line is None:
            self._stop()
            self._raise_timeout(f"did not finish within {timeout:g} seconds", command)
        return self._result(line, command)

    def kill(self) -> None:
        """Stop the process now; a call that waits in another thread raises Cancelled."""
        self._cancelled = True
        self._signal_group()

    def close(self) -> None:
        """Stop and reap the process, close the pipes, remove its scratch folder. Safe to call twice."""
        self._stop()
        with self._calling:
            self._channel.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _result(self, line: bytes, command: str) -> Message:
        try:
            reply = decode(line)
        except (ValueError, RecursionError) as error:
            self._stop()
            raise ChildCrashed(f"The step {command!r} gave an answer that cannot be read.") from error
        if isinstance(problem := reply.get("error"), dict):
            raise_failure(problem)
        result = reply.get("result")
        if not isinstance(result, dict):
            raise ChildCrashed(f"The step {command!r} gave no usable answer.")
        return result

    def _raise_death(self, command: str) -> NoReturn:
        code, errors = self._end(), self._channel.errors
        if self._cancelled:
            raise Cancelled(f"The step {command!r} was stopped.") from None
        if code == -signal.SIGXCPU:
            self._raise_timeout("used up its processor time", command)
        if code == -signal.SIGKILL or speaks_of_memory(errors[-2000:]):
            # Nobody here sent this signal, so it was the kernel's out-of-memory killer.
            raise OutOfMemory(
                f"The step {command!r} took more memory than there is, and the system stopped it.",
                hint=MEMORY_HINT,
                traceback=errors,
            ) from None
        raise ChildCrashed(
            f"The working process of the step {command!r} {_how_it_ended(code, errors)}.",
            hint="A library crashed on this model. Try another technique or runtime.",
            traceback=errors,
        ) from None

    def _raise_timeout(self, what: str, command: str) -> NoReturn:
        message = f"The step {command!r} {what} and was stopped."
        raise ChildTimeout(message, hint=TIME_HINT, traceback=self._channel.errors) from None

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

    def _note_peak(self) -> None:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self._peak = int(line.split()[1]) * 1024


def run_in_child(
    module: str,
    command: str,
    payload: Message,
    *,
    timeout: float,
    writes: Path,
    reads: Sequence[Path] = (),
    limits: Limits | None = None,
    cpus: Collection[int] | None = None,
    env: Mapping[str, str] | None = None,
    confined: bool = True,
) -> Message:
    """Run one command in a process of its own; arguments and errors are those of `Child` and `Child.call`."""
    with Child(
        module, reads=reads, writes=writes, limits=limits, cpus=cpus, env=env, confined=confined
    ) as child:
        return child.call(command, payload, timeout)


def _require_confinement() -> None:
    offer = confinement()
    if not offer.available and not get_settings().trust_uploads:
        raise SandboxUnavailable(
            offer.reason,
            hint="Use Linux 5.13 or newer, or set WHETSTONE_TRUST_UPLOADS=1 only for files you trust.",
        )


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"The file {path.name} does not exist.", hint="Upload it again.")
    return path.resolve()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _how_it_ended(code: int, errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = f" after: {lines[-1][:300]}" if lines else ""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}{last}"
    return f"ended by itself with exit code {code}{last}"
