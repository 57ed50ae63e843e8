"""The child's side: `python -m core.sandbox.entry MODULE`, spoken to over stdin and stdout.

The first line sets the process up, each further line is one command. Each command gets one line back, after
any number of lines that say how far it is (`core.sandbox.replies.tell`).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from core.sandbox.confinement import confine
from core.sandbox.kernel import die_with_parent
from core.sandbox.limits import ResourceLimits
from core.sandbox.protocol import Message, decode, encode, failure
from core.sandbox.replies import send, send_to

Commands = dict[str, Callable[[Message], Message]]


def main(module: str) -> None:
    """Serve the commands of `module` until the parent closes the pipe."""
    requests, replies = _take_pipes()
    send_to(replies)
    setup = decode(requests.readline())
    die_with_parent(setup["parent"])
    _prepare(setup)
    commands: Commands | None = None
    for line in requests:
        try:
            request = decode(line)
            commands = commands if commands is not None else importlib.import_module(module).COMMANDS
            reply = encode({"result": commands[request["command"]](request["payload"])})
        except BaseException as error:  # even SystemExit is an answer that the parent waits for
            reply = encode({"error": asdict(failure(error))})
        send(reply)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for the protocol alone: libraries print to stderr and read nothing."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _prepare(setup: Message) -> None:
    """Apply limits and confinement; a child that fails here dies before it reads a command."""
    _volunteer_for_the_oom_killer()
    ResourceLimits(**setup["limits"]).apply()
    if setup["confined"]:
        names = ("reads", "writes", "programs", "scratch")
        paths = {name: [Path(path) for path in setup[name]] for name in names}
        confine(**paths, accepts=setup["accepts"], binds=setup["binds"])


def _volunteer_for_the_oom_killer() -> None:
    """Make the kernel choose this process, not the server, when the machine runs out of memory."""
    target = Path("/proc/self/oom_score_adj")
    if target.exists():
        target.write_text("1000")


if __name__ == "__main__":
    main(sys.argv[1])
