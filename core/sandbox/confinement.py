"""Confinement of a process: what the system offers (Landlock, seccomp), and all of it in one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.sandbox import kernel, landlock, seccomp

# Of /etc only what the C library and the runtimes read; shadow, keys and service passwords stay out.
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "nsswitch.conf", "passwd"),
    *("group", "os-release", "debian_version", "lsb-release", "mime.types", "fonts", "OpenCL", "host.conf"),
)
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/proc", "/sys", "/dev/urandom", "/dev/random", "/dev/zero")
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Confinement:
    """What is on offer.

    Attributes:
        available: Both Landlock and seccomp can be used.
        landlock_abi: Version of Landlock; 0 where there is none.
        seccomp: A filter can be installed.
        reason: One sentence for people.
    """

    available: bool
    landlock_abi: int
    seccomp: bool
    reason: str


@cache
def confinement() -> Confinement:
    """Return what this system offers; asks the kernel once."""
    abi, filters = landlock.abi(), seccomp.available()
    missing = [name for name, there in (("Landlock", abi > 0), ("seccomp", filters)) if not there]
    if not missing:
        return Confinement(True, abi, filters, f"Landlock (ABI {abi}) and seccomp confine every upload.")
    reason = f"This system does not offer {' and '.join(missing)}, which keep an uploaded file in its folder."
    return Confinement(False, abi, filters, reason)


def confine(
    reads: Iterable[Path],
    writes: Iterable[Path],
    programs: Sequence[Path] = (),
    *,
    accepts: bool = False,
    binds: int | None = None,
    scratch: Sequence[Path] = (),
) -> None:
    """Confine this process, for ever, as far as the system can. Call it before any thread starts.

    Args:
        reads: What may be read besides the interpreter, its packages and the system's libraries.
        writes: Folders that may be written.
        programs: Programs that may be started, each as confined as this process; none closes that way.
        accepts: Whether it may accept connections on a socket that it was given; it may make none.
        binds: TCP port that it may make such a socket for by itself.
        scratch: Folders for programs that are several processes which talk to each other, as a browser is:
            they may make links and sockets there, which nobody reads afterwards.

    Raises:
        OSError: The kernel refused.
    """
    offer = confinement()
    if not kernel.is_linux():
        return
    kernel.drop_capabilities()
    kernel.gain_no_privileges()
    if offer.landlock_abi:
        readable = [*_interpreter(), *map(Path, _SYSTEM), *_etc(), *reads]
        landlock.restrict(readable, [Path(os.devnull), *writes], programs, scratch, binds)
    if offer.seccomp:
        serves = {"accepts": accepts, "binds": binds is not None}
        seccomp.restrict(**serves, starts=bool(programs), family=bool(scratch))


def _etc() -> list[Path]:
    return [Path("/etc", name) for name in _ETC]


def _interpreter() -> set[Path]:
    """Return the folders that Python imports from, with the project's package instead of its root."""
    roots = {Path(sys.prefix), Path(sys.base_prefix), _PACKAGE}
    paths = {Path(entry).resolve() for entry in sys.path if entry} - {_PACKAGE.parent}
    libraries = {Path(entry) for entry in os.environ.get("LD_LIBRARY_PATH", "").split(":") if entry}
    return roots | paths | libraries
