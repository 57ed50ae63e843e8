"""Exit status of a child process as an error: crash, out of memory, time limit."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

from core.errors import ChildCrashed, ChildTimeout, OutOfMemory, WhetstoneError
from core.sandbox.protocol import MEMORY_HINT, speaks_of_memory
from core.texts import one_line

FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that no library raises by crashing."""
OUTSIDE_HINT = (
    "A person, a job scheduler or a service that watches over memory may have sent it. Try again, and look "
    "into the system's log where it comes back."
)
TIME_HINT = "Try a smaller model or less data, or raise WHETSTONE_CHILD_TIMEOUT_S."


def oom_kills() -> int | None:
    """Return how often the system's out-of-memory killer has struck so far; None where it does not tell."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None


def death(
    command: str, code: int, errors: str, oom: int | None = None, orphaned: bool = False
) -> WhetstoneError:
    """Return the error for a child that ended in the middle of `command`.

    Args:
        command: What it was doing.
        code: Its exit code; that of a signal is negative.
        errors: The last lines that it wrote to stderr.
        oom: How often the system's out-of-memory killer has struck since its start; None where nobody knows.
        orphaned: Whether the process that it was forked from ended first, and it with that.
    """
    if code == -signal.SIGXCPU:
        return timed_out(command, "used up its processor time", errors)
    killed = code == -signal.SIGKILL
    if (killed and oom) or speaks_of_memory(errors[-2000:]):
        how = ", and the system stopped it" if killed else ""
        message = f"The step {command!r} took more memory than there is{how}."
        return OutOfMemory(message, hint=MEMORY_HINT, traceback=errors)
    if killed and oom is None:
        message = f"The step {command!r} was killed (SIGKILL), most likely by the system for want of memory."
        return OutOfMemory(message, hint=MEMORY_HINT, traceback=errors)
    if -code in FROM_OUTSIDE:
        others = "somebody else sent it, neither Whetstone nor the system for want of memory"
        sender = "the process that it was forked from had ended" if orphaned else others
        name = signal.Signals(-code).name
        return ChildCrashed(
            f"The working process of the step {command!r} was ended by {name}: {sender}.",
            hint=OUTSIDE_HINT,
            traceback=errors,
        )
    return ChildCrashed(
        f"The working process of the step {command!r} {_how(code, errors)}.",
        hint="A library crashed on this model. Try another technique or runtime.",
        traceback=errors,
    )


def timed_out(command: str, what: str, errors: str) -> ChildTimeout:
    """Return the error for a child that was stopped because it `what`, such as "did not finish"."""
    return ChildTimeout(f"The step {command!r} {what} and was stopped.", hint=TIME_HINT, traceback=errors)


def _how(code: int, errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = f" after: {one_line(lines[-1], 300)}" if lines else ""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}{last}"
    return f"ended by itself with exit code {code}{last}"
