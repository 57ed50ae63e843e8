"""Exit status of a child process as an error: crash, out of memory, time limit."""

from __future__ import annotations

import signal

from core.errors import ChildCrashed, ChildTimeout, OutOfMemory, WhetstoneError
from core.sandbox.protocol import MEMORY_HINT, speaks_of_memory
from core.texts import one_line

TIME_HINT = "Try a smaller model or less data, or raise WHETSTONE_CHILD_TIMEOUT_S."


def death(command: str, code: int, errors: str) -> WhetstoneError:
    """Return the error for a child that ended in the middle of `command`.

    Args:
        command: What it was doing.
        code: Its exit code; that of a signal is negative.
        errors: The last lines that it wrote to stderr.
    """
    if code == -signal.SIGXCPU:
        return timed_out(command, "used up its processor time", errors)
    if code == -signal.SIGKILL or speaks_of_memory(errors[-2000:]):
        # Nobody here sent this signal, so it was the kernel's out-of-memory killer.
        return OutOfMemory(
            f"The step {command!r} took more memory than there is, and the system stopped it.",
            hint=MEMORY_HINT,
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
