"""The filter as the kernel reads it, for both architectures: a small interpreter of its few instructions."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import socket
import termios

import pytest

from core.sandbox import seccomp
from core.sandbox.syscalls import ABSENT, DENIED, NUMBERS, PRETENDED

PID = 4242
EPERM, ENOSYS = seccomp.RET_ERRNO | errno.EPERM, seccomp.RET_ERRNO | errno.ENOSYS
ALLOW = seccomp.RET_ALLOW
HARMLESS = {
    "x86_64": (0, 1, 9, 54, 202),
    "aarch64": (63, 64, 222, 208, 98),
}  # read, write, mmap, setsockopt, futex


def answer(
    machine: str, number: int, *arguments: int, architecture: int | None = None, starts: bool = False
) -> int:
    words = {
        seccomp.OFFSET_NUMBER: number,
        seccomp.OFFSET_ARCH: architecture or seccomp._ARCHITECTURES[machine][1],
        **{seccomp.OFFSET_ARGUMENTS + 8 * i: value for i, value in enumerate(arguments)},
    }
    program, at, value = seccomp._program(PID, starts=starts), 0, 0
    while True:
        step = program[at]
        at += 1
        if step.code == seccomp.RETURN:
            return step.k
        if step.code == seccomp.LOAD:
            value = words.get(step.k, 0)
        elif step.code == seccomp.AND:
            value &= step.k
        else:
            holds = {
                seccomp.JUMP_EQUAL: value == step.k,
                seccomp.JUMP_AT_LEAST: value >= step.k,
                seccomp.JUMP_ANY_BIT: bool(value & step.k),
            }[step.code]
            at += step.if_true if holds else step.if_false


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    return request.param


def number(machine: str, name: str) -> int | None:
    return NUMBERS[name][seccomp._ARCHITECTURES[machine][0]]


def test_each_listed_call_has_its_answer(machine: str) -> None:
    for names, expected in ((DENIED, EPERM), (PRETENDED, seccomp.RET_ERRNO), (ABSENT, ENOSYS)):
        for name in names:
            if (call := number(machine, name)) is not None:
                assert answer(machine, call) == expected, name


def test_everyday_calls_pass(machine: str) -> None:
    for call in HARMLESS[machine]:
        assert answer(machine, call) == ALLOW


def test_threads_but_no_processes(machine: str) -> None:
    clone = number(machine, "clone")
    assert clone is not None
    assert answer(machine, clone, seccomp.CLONE_THREAD | 0x100) == ALLOW
    assert answer(machine, clone, 0x11) == EPERM


def test_programs_are_started_as_vfork_does_and_only_where_they_may_be(machine: str) -> None:
    clone = number(machine, "clone")
    assert clone is not None
    for name in ("execve", "vfork"):
        if (call := number(machine, name)) is not None:
            assert [answer(machine, call, starts=starts) for starts in (False, True)] == [EPERM, ALLOW]
    assert answer(machine, clone, seccomp.VFORK) == EPERM
    assert answer(machine, clone, seccomp.VFORK, starts=True) == ALLOW
    new_user = 0x10000000
    for flags in (0x11, seccomp.VFORK | new_user, seccomp.VFORK & ~0x100, new_user | 0x11):
        assert answer(machine, clone, flags, starts=True) == EPERM
    assert answer(machine, clone, seccomp.CLONE_THREAD | 0x100, starts=True) == ALLOW
    for name in ("fork", "execveat", "setsid", "setpgid"):
        if (call := number(machine, name)) is not None:
            assert answer(machine, call, starts=True) == EPERM


def test_signals_to_itself_only(machine: str) -> None:
    for name in ("kill", "tgkill"):
        call = number(machine, name)
        assert call is not None
        assert answer(machine, call, PID) == ALLOW
        for other in (1, PID + 1, 0, 0xFFFFFFFF):
            assert answer(machine, call, other) == EPERM


def test_cores_priority_and_limits_of_itself_only(machine: str) -> None:
    for name in ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr", "prlimit64"):
        call = number(machine, name)
        assert call is not None
        assert [answer(machine, call, pid) for pid in (0, PID, 1)] == [ALLOW, ALLOW, EPERM], name


def test_pairs_of_streams_only(machine: str) -> None:
    call = number(machine, "socketpair")
    assert call is not None
    flags = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    for kind, expected in (
        (socket.SOCK_STREAM, ALLOW),
        (socket.SOCK_DGRAM, EPERM),
        (socket.SOCK_SEQPACKET, EPERM),
    ):
        assert answer(machine, call, socket.AF_UNIX, kind) == expected
        assert answer(machine, call, socket.AF_UNIX, kind | flags) == expected


@pytest.mark.parametrize(
    ("name", "denied", "allowed"),
    [
        ("prctl", (1,), (15, 38, 4)),
        (
            "fcntl",
            (fcntl.F_SETOWN, fcntl.F_SETSIG, fcntl.F_NOTIFY, fcntl.F_SETLEASE),
            (fcntl.F_SETFD, fcntl.F_SETLK),
        ),
        ("ioctl", (termios.TIOCSTI, 0x8901), (termios.TCGETS, termios.FIONREAD)),
    ],
)
def test_some_commands_are_denied(
    machine: str, name: str, denied: tuple[int, ...], allowed: tuple[int, ...]
) -> None:
    call = number(machine, name)
    assert call is not None
    place = 0 if name == "prctl" else 1
    for value, expected in [(each, EPERM) for each in denied] + [(each, ALLOW) for each in allowed]:
        assert answer(machine, call, *([0] * place), value) == expected, (name, value)


def test_reading_does_not_truncate(machine: str) -> None:
    call = number(machine, "openat")
    assert call is not None
    assert answer(machine, call, 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW
    assert answer(machine, call, 0, 0, os.O_WRONLY | os.O_TRUNC | os.O_CREAT) == ALLOW
    assert answer(machine, call, 0, 0, os.O_RDONLY | os.O_TRUNC | os.O_CLOEXEC) == EPERM


def test_other_ways_into_the_kernel(machine: str) -> None:
    assert answer(machine, 0, architecture=0x40000003) == seccomp.RET_KILL_PROCESS
    assert answer(machine, seccomp.X32_BIT | 41) == ENOSYS


def test_no_number_is_given_twice() -> None:
    for column in (0, 1):
        numbers = [row[column] for row in NUMBERS.values() if row[column] is not None]
        assert len(set(numbers)) == len(numbers)
    assert {*DENIED, *PRETENDED, *ABSENT} <= set(NUMBERS)
