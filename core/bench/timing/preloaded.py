"""Preloaded baseline processes, which wait on this machine for their measurement."""

from __future__ import annotations

from collections.abc import Callable

from core.bench.timing.endpoint import Host

_waiting: dict[str, Callable[[], Host | None]] = {}


def offer(name: str, take: Callable[[], Host | None]) -> None:
    """Let the measurement that is given `name` find a process: what `take` returns, None where it failed."""
    _waiting[name] = take


def taken(name: str) -> Host | None:
    """Return the process that waits under `name`, once; None where none does, as on another machine."""
    take = _waiting.pop(name, None)
    return take() if take else None
