"""One command of a module in a confined process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import ChildTimeout
from core.sandbox.process import Child
from core.settings import get_settings
from core.work.local import LEAST_STEP_S
from core.work.stop import Stop


def run_task(
    module: str,
    command: str,
    payload: dict[str, Any],
    reads: Sequence[Path],
    writes: Path,
    stop: Stop,
    finish: bool = False,
) -> dict[str, Any]:
    """Run one command of `module` in a confined process of its own.

    Args:
        module: Holds the command in its `COMMANDS`.
        command: What to do.
        payload: Plain values.
        reads: What the process may read.
        writes: The only folder it may write to.
        stop: Ends it early.
        finish: What was begun in time is brought to its end after the deadline, too.

    Raises:
        ChildTimeout: Over the time limit of a step, or over the run's budget.
        WhetstoneError: Whatever the command raised.
    """
    timeout = get_settings().child_timeout_s
    if not finish:
        timeout = min(timeout, stop.remaining_s)
    if timeout < LEAST_STEP_S:
        raise ChildTimeout("The time budget was over.", hint="Give the run a larger budget.")
    with Child(module, reads=reads, writes=writes) as child, stop.watching(child):
        return child.call(command, payload, timeout)
