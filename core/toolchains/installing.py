"""Installation of a toolchain by a process of its own, which outlives the page that asked for it.

Its log is locked by that process for as long as it lives, so that whoever looks can tell.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from core.settings import get_settings
from core.texts import one_line
from core.toolchains.lists import Toolchain

MOST_LINES, MOST_BYTES = 6, 16 * 1024


@dataclass(frozen=True)
class Installation:
    """The latest installation of a toolchain.

    Attributes:
        running: Whether it goes on.
        lines: The last that it said.
    """

    running: bool
    lines: tuple[str, ...]


def begin(toolchain: Toolchain) -> None:
    """Start to make the environment of a toolchain, unless that goes on already.

    Raises:
        BackendMissing: Its packages are not for this machine.
    """
    toolchain.check_platform()
    log = _log(toolchain)
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        subprocess.Popen(
            # -P: the folder it is started in may hold a `core` of somebody else.
            [sys.executable, "-P", "-m", "core", "doctor", "--install", toolchain.id],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            env={**os.environ, "WHETSTONE_DATA_DIR": str(get_settings().data_dir.resolve())},
        )
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)  # the process holds the lock on


def installation(toolchain: Toolchain) -> Installation | None:
    """Return the latest installation of a toolchain; None where nobody asked for one."""
    try:
        with _log(toolchain).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST_BYTES))
            text = file.read().decode(errors="replace")
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                running = False
            except BlockingIOError:
                running = True
    except FileNotFoundError:
        return None
    lines = [one_line(line.strip(), 300) for line in text.splitlines() if line.strip()]
    return Installation(running, tuple(lines[-MOST_LINES:]))


def _log(toolchain: Toolchain) -> Path:
    return get_settings().data_dir.absolute() / "toolchains" / f".{toolchain.id}.install.log"
