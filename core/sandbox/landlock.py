"""Landlock: what a process may touch on disk, decided by the process itself, without privilege.

Source: https://docs.kernel.org/userspace-api/landlock.html and linux/landlock.h (ABI 1 to 7).
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from core.sandbox.kernel import is_linux, syscall

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULESET_VERSION = 1
RULE_PATH_BENEATH, RULE_NET_PORT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_SOCK, MAKE_SYM = 1 << 9, 1 << 12
REFER, TRUNCATE = 1 << 13, 1 << 14

READ = READ_FILE | READ_DIR
# Devices, sockets, pipes and symbolic links are left out on purpose: whoever reads the folder afterwards
# would follow or open them outside of the sandbox.
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
SCRATCH = WRITE | MAKE_SYM | MAKE_SOCK
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE

# Highest file-system right of each ABI: 13 rights at first, then refer, truncate and device ioctl.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_RIGHTS = 16
TCP_BIND, TCP_BIND_AND_CONNECT = 0b01, 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """Return the Landlock ABI of the running kernel; 0 where there is none."""
    if not is_linux():
        return 0
    try:
        return syscall(CREATE_RULESET, None, 0, RULESET_VERSION)
    except OSError:
        return 0


def restrict(
    reads: Iterable[Path],
    writes: Iterable[Path],
    programs: Iterable[Path] = (),
    scratch: Iterable[Path] = (),
    binds: int | None = None,
) -> None:
    """Confine this thread, for ever, to reading `reads` and writing `writes`.

    Nothing but `programs` can be executed. From ABI 4 TCP is denied, from ABI 6 signals and abstract sockets
    reach nobody outside. PR_SET_NO_NEW_PRIVS must be set. Call it before any thread starts.

    Args:
        reads: Files and folders, with everything below them; missing ones are skipped.
        writes: The same, to read and write.
        programs: Files to execute, too.
        scratch: Folders to write, in which links and sockets may be made: nobody reads them afterwards.
        binds: TCP port that it may serve on.

    Raises:
        OSError: The kernel has no Landlock or refused a rule.
    """
    version = abi()
    handled = (1 << _RIGHTS.get(version, _ALL_RIGHTS)) - 1
    ruleset = syscall(CREATE_RULESET, *_ruleset(version, handled), 0)
    try:
        for paths, access in ((reads, READ), (writes, WRITE), (programs, READ | EXECUTE), (scratch, SCRATCH)):
            for path in paths:
                _allow(ruleset, path, access & handled)
        if binds is not None and version >= 4:
            port = _NetPort(TCP_BIND, binds)
            syscall(ADD_RULE, ruleset, RULE_NET_PORT, ctypes.byref(port), 0)
        syscall(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _ruleset(version: int, handled: int) -> tuple[object, int]:
    attributes = _Ruleset(
        handled,
        TCP_BIND_AND_CONNECT if version >= 4 else 0,
        ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )
    # An older kernel refuses a longer structure than it knows unless the rest is zero, which it is.
    return ctypes.byref(attributes), ctypes.sizeof(attributes)


def _allow(ruleset: int, path: Path, access: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            access &= OF_FILES
        rule = _PathBeneath(access, handle)
        syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)
