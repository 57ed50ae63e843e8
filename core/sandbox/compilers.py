"""Native programs that a child may start, and no others: the C++ compiler of this machine, and converters."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from core.sandbox.kernel import is_linux

DRIVER = "g++"
INSTALL = "Install it, on Debian and Ubuntu: apt-get install g++, on Fedora: dnf install gcc-c++."
STAGES = ("cc1", "cc1plus", "collect2", "as", "ld")
"""What the driver starts: preprocessor, compiler, and what assembles and links."""
LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
"""The kernel opens the loader of a program as a program, too. Who can start it could load any code with it,
which a child can do within itself already."""
PATIENCE_S = 30.0


def compiler() -> Path | None:
    """Return the C++ compiler, or None where none is installed."""
    found = shutil.which(DRIVER) if is_linux() else None
    return Path(found) if found else None


@cache
def programs() -> tuple[Path, ...]:
    """Return the compiler and all that it starts, links resolved; nothing where none is installed."""
    driver = compiler()
    if driver is None:
        return ()
    stages = (_stage(driver, name) for name in STAGES)
    there = (Path(each) for each in (driver, *stages, *LOADERS) if each)
    return tuple(dict.fromkeys(path.resolve() for path in there if path.exists()))


def packaged(names: Sequence[str]) -> tuple[Path, ...]:
    """Return native programs of installed packages, found without an import, and what loads programs.

    Args:
        names: Each a package and the path in it, such as ``pnnx/pnnx``; those that are absent are left out.
    """
    found = []
    for name in names:
        package, _, path = name.partition("/")
        spec = importlib.util.find_spec(package)
        places = [Path(each, path) for each in (spec.submodule_search_locations or ())] if spec else []
        found += [each.resolve() for each in places if each.is_file()]
    there = (Path(each) for each in LOADERS)
    return (*found, *(each.resolve() for each in there if each.exists())) if found else ()


def _stage(driver: Path, name: str) -> str | None:
    """Return where the driver finds one of its stages: its own answer may be a bare name."""
    with suppress(OSError, subprocess.SubprocessError):
        asked = [str(driver), f"-print-prog-name={name}"]
        told = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        return shutil.which(told.stdout.strip())
    return None
