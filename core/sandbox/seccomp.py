"""A seccomp filter: system calls that no model needs, refused with EPERM.

Landlock guards files; this guards the rest: sockets, new processes and programs, other processes, the kernel.
Source: https://docs.kernel.org/userspace-api/seccomp_filter.html, linux/seccomp.h, linux/filter.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from core.sandbox.kernel import PR_SET_PDEATHSIG, is_linux, syscall
from core.sandbox.syscalls import (
    ABSENT,
    ACCEPTING,
    BINDING,
    DENIED,
    NUMBERS,
    OF_ITSELF,
    PRETENDED,
    STARTING,
    TALKING,
)

SET_MODE_FILTER, GET_ACTION_AVAIL = 1, 2
# Without this flag older kernels slow the whole process down, and with it every measured latency.
SPEC_ALLOW = 1 << 2
RET_KILL_PROCESS, RET_ERRNO, RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENTS = 0, 4, 16
X32_BIT = 0x40000000
CLONE_THREAD = 0x00010000
# CLONE_VM and CLONE_VFORK, with SIGCHLD at its end: as the C library's posix_spawn and vfork call it.
VFORK = 0x4111
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
CLONE_NAMESPACES = 0x7E020000
AF_UNIX, SOCK_SEQPACKET = 1, 5
AF_INET, AF_INET6, IPPROTO_TCP, MSG_FASTOPEN = 2, 10, 6, 0x20000000
SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC = 1, 0o4000, 0o2000000
# Commands that make the kernel signal another process when a file or pipe changes, or hold up its writers:
# F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY; FIOSETOWN, SIOCSPGRP, and TIOCSTI, which types.
SIGNAL_OTHERS = (8, 10, 15, 1024, 1026)
SIGNAL_OTHERS_BY_DEVICE = (0x8901, 0x8902, 0x5412)

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


@dataclass(frozen=True)
class _Instruction:
    code: int
    k: int
    if_true: int = 0
    if_false: int = 0


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Filter)))


def available() -> bool:
    """Return whether this kernel and architecture can take the filter."""
    machine = platform.machine()
    if not is_linux() or machine not in _ARCHITECTURES or sys.byteorder != "little":
        return False
    action = ctypes.c_uint32(RET_ERRNO)
    try:
        syscall(_number("seccomp"), GET_ACTION_AVAIL, 0, ctypes.byref(action))
    except OSError:
        return False
    return True


def restrict(
    *, accepts: bool = False, binds: bool = False, starts: bool = False, family: bool = False
) -> None:
    """Install the filter in this thread, for ever. PR_SET_NO_NEW_PRIVS must be set.

    Args:
        accepts: Let it accept connections on a socket that it was given.
        binds: Let it make TCP sockets to serve on; none of them can be connected to others.
        starts: Whether it may start programs; Landlock says which.
        family: Whether these may be several processes that talk to each other, as a browser is.

    Raises:
        OSError: The kernel refused the filter.
        KeyError: The architecture is not one of x86_64 and aarch64.
    """
    instructions = _program(os.getpid(), accepts, binds, starts, family)
    filters = (_Filter * len(instructions))(
        *[_Filter(i.code, i.if_true, i.if_false, i.k) for i in instructions]
    )
    program = _Program(len(instructions), filters)
    syscall(_number("seccomp"), SET_MODE_FILTER, SPEC_ALLOW, ctypes.byref(program))


def _number(name: str) -> int:
    column = _ARCHITECTURES[platform.machine()][0]
    number = NUMBERS[name][column]
    if number is None:
        raise KeyError(name)
    return number


def _program(
    pid: int, accepts: bool = False, binds: bool = False, starts: bool = False, family: bool = False
) -> list[_Instruction]:
    column, architecture = _ARCHITECTURES[platform.machine()]
    numbers = {name: row[column] for name, row in NUMBERS.items()}
    program = [
        _Instruction(LOAD, OFFSET_ARCH),
        _Instruction(JUMP_EQUAL, architecture, 1, 0),
        _Instruction(RETURN, RET_KILL_PROCESS),
        _Instruction(LOAD, OFFSET_NUMBER),
        _Instruction(JUMP_AT_LEAST, X32_BIT, 0, 1),
        _Instruction(RETURN, RET_ERRNO | errno.ENOSYS),
    ]
    let = {
        name
        for names, on in ((ACCEPTING, accepts), (BINDING, binds), (STARTING, starts), (TALKING, family))
        if on
        for name in names
    }
    for names, answer in ((DENIED, errno.EPERM), (PRETENDED, 0), (ABSENT, errno.ENOSYS)):
        for name in names:
            if name not in let:
                program += _when(numbers[name], [_Instruction(RETURN, RET_ERRNO | answer)])
    for name, block in _by_argument(pid, binds, starts, family).items():
        program += _when(numbers[name], block)
    return [*program, _Instruction(RETURN, RET_ALLOW)]


def _by_argument(pid: int, binds: bool, starts: bool, family: bool) -> dict[str, list[_Instruction]]:
    """Return what decides about a call by one of its arguments."""
    processes = {
        "clone": _no_namespaces(),
        "socket": _local_only(),
        "socketpair": _streams_only(SOCK_SEQPACKET),
    }
    alone = {"clone": _thread_only(starts), "socketpair": _streams_only()}
    return {
        **(processes if family else alone),
        **(_serving() if binds else {}),
        **{name: _only(0, [pid]) for name in ("kill", "tgkill", "pidfd_open")},
        **{name: _only(0, [0, pid]) for name in OF_ITSELF},
        "open": _no_truncating_reads(1),
        "openat": _no_truncating_reads(2),
        "prctl": _never(0, [PR_SET_PDEATHSIG]),
        "fcntl": _never(1, SIGNAL_OTHERS),
        "ioctl": _never(1, SIGNAL_OTHERS_BY_DEVICE),
    }


def _when(number: int | None, block: Sequence[_Instruction]) -> list[_Instruction]:
    """Run `block`, which must end in RETURN, for one system call; nothing where the architecture lacks it."""
    return [] if number is None else [_Instruction(JUMP_EQUAL, number, 0, len(block)), *block]


def _argument(index: int) -> _Instruction:
    return _Instruction(LOAD, OFFSET_ARGUMENTS + 8 * index)


_ALLOW = _Instruction(RETURN, RET_ALLOW)
_DENY = _Instruction(RETURN, RET_ERRNO | errno.EPERM)


def _only(index: int, values: Sequence[int]) -> list[_Instruction]:
    block = [_argument(index)]
    for value in values:
        block += [_Instruction(JUMP_EQUAL, value, 0, 1), _ALLOW]
    return [*block, _DENY]


def _never(index: int, values: Sequence[int]) -> list[_Instruction]:
    block = [_argument(index)]
    for value in values:
        block += [_Instruction(JUMP_EQUAL, value, 0, 1), _DENY]
    return [*block, _ALLOW]


def _streams_only(*others: int) -> list[_Instruction]:
    """Refuse datagram sockets: they could send to any socket that has a path."""
    block = [_argument(1), _Instruction(AND, 0xFFFFFFFF & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))]
    for kind in (SOCK_STREAM, *others):
        block += [_Instruction(JUMP_EQUAL, kind, 0, 1), _ALLOW]
    return [*block, _DENY]


def _local_only() -> list[_Instruction]:
    """Refuse sockets but those of this machine's own processes, which cannot be connected to others."""
    return [_argument(0), _Instruction(JUMP_EQUAL, AF_UNIX, 1, 0), _DENY, *_streams_only(SOCK_SEQPACKET)]


def _serving() -> dict[str, list[_Instruction]]:
    """Allow TCP sockets, and none of the messages that would open a connection.

    Landlock guards neither multipath TCP nor SCTP, so that the protocol must be TCP.
    """
    tcp = _all_of([(0, (AF_INET, AF_INET6)), (2, (0, IPPROTO_TCP))], _streams_only())
    fast_open = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
    return {"socket": tcp, **{name: _without(flags, MSG_FASTOPEN) for name, flags in fast_open.items()}}


def _all_of(wanted: Sequence[tuple[int, Sequence[int]]], block: Sequence[_Instruction]) -> list[_Instruction]:
    """Run `block` where each argument has one of its values, else refuse."""
    program: list[_Instruction] = []
    for index, values in wanted:
        program.append(_argument(index))
        program += [
            _Instruction(JUMP_EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)
        ]
        program.append(_DENY)
    return [*program, *block]


def _without(index: int, flag: int) -> list[_Instruction]:
    return [_argument(index), _Instruction(JUMP_ANY_BIT, flag, 0, 1), _DENY, _ALLOW]


def _no_namespaces() -> list[_Instruction]:
    """Allow threads and processes, but none in a namespace of its own, where it would have privileges."""
    return [_argument(0), _Instruction(JUMP_ANY_BIT, CLONE_NAMESPACES, 0, 1), _DENY, _ALLOW]


def _thread_only(starts: bool) -> list[_Instruction]:
    """Allow threads and, to start programs, what vfork asks for: one flag more might open a namespace."""
    vfork = [_Instruction(JUMP_EQUAL, VFORK, 0, 1), _ALLOW] if starts else []
    return [_argument(0), *vfork, _Instruction(JUMP_ANY_BIT, CLONE_THREAD, 0, 1), _ALLOW, _DENY]


def _no_truncating_reads(flags: int) -> list[_Instruction]:
    """Refuse O_RDONLY|O_TRUNC, which empties readable files where Landlock's ABI is below 3."""
    return [
        _argument(flags),
        _Instruction(AND, os.O_ACCMODE | os.O_TRUNC),
        _Instruction(JUMP_EQUAL, os.O_RDONLY | os.O_TRUNC, 0, 1),
        _DENY,
        _ALLOW,
    ]
