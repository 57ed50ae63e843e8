"""The few Linux system calls that Python does not wrap, through ctypes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3 = 0x20080522


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def is_linux() -> bool:
    """Return whether these calls exist here at all."""
    return sys.platform == "linux"


def syscall(number: int, *arguments: object) -> int:
    """Call the kernel directly.

    Args:
        number: System call number of this architecture.
        arguments: Integers, ctypes pointers or None.

    Raises:
        OSError: The kernel answered with an error.
    """
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_libc().syscall(ctypes.c_long(number), *passed))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, *arguments: int) -> None:
    """Call prctl(2).

    Raises:
        OSError: The kernel answered with an error.
    """
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)][:4]
    if _libc().prctl(option, *padded) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def die_with_parent(parent: int) -> None:
    """Make the kernel kill this process when the thread that started it ends.

    Args:
        parent: Process id that must still be the parent; a parent that died before this call is noticed.

    Raises:
        SystemExit: The parent is gone already.
    """
    if not is_linux():
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(1)


def gain_no_privileges() -> None:
    """Give up gaining privileges for ever: Landlock and seccomp ask for this first."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySet(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def drop_capabilities() -> None:
    """Give up every privilege that running as root brings; does nothing for a plain user.

    Raises:
        OSError: The kernel refused.
    """
    header = _CapabilityHeader(CAPABILITY_VERSION_3, 0)
    nothing = (_CapabilitySet * 2)()
    if _libc().capset(ctypes.byref(header), ctypes.byref(nothing)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
