"""Browser of this machine, for a child that runs models in one."""

from __future__ import annotations

import shutil
from pathlib import Path

# The programs themselves: the scripts in front of them read settings that are closed to a child.
_PROGRAMS = (
    *(
        "/usr/lib/chromium/chromium",
        "/usr/lib/chromium-browser/chromium-browser",
        "/usr/lib64/chromium/chromium",
    ),
    *("/opt/google/chrome/chrome", "/opt/chromium.org/chromium/chromium"),
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A browser is a family of programs. What is installed there can do no more than the child itself: it is as
# confined, and gains nothing from who owns its file.
_INSTALLED = ("/usr", "/bin", "/lib", "/lib64", "/opt/google", "/opt/chromium.org")


def browser() -> Path | None:
    """Return Chromium or Google Chrome, or None where neither is installed."""
    named = (found for name in _NAMES if (found := shutil.which(name)) is not None)
    return next((Path(each) for each in (*_PROGRAMS, *named) if Path(each).exists()), None)


def browser_programs() -> tuple[Path, ...]:
    """Return the folders of programs that a child with a browser may start."""
    return tuple(path for path in map(Path, _INSTALLED) if path.exists())
