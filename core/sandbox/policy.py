"""Sandbox policy: the limits, the confinement and the readable folders that the settings give to children."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

from core.errors import SandboxUnavailable
from core.sandbox.confinement import confinement
from core.sandbox.limits import ResourceLimits
from core.settings import get_settings

# Steps of full length, on all cores, after which a process that does not end is ended by the kernel.
_LONGEST_LIFE = 10


def usual_limits(memory_bytes: int = 0) -> ResourceLimits:
    """Return the limits that the settings give, with `memory_bytes` of memory where that is not 0."""
    settings = get_settings()
    seconds = _LONGEST_LIFE * settings.child_timeout_s * (os.cpu_count() or 1)
    return ResourceLimits(memory_bytes=memory_bytes or settings.child_memory_bytes, cpu_seconds=ceil(seconds))


def require_confinement() -> None:
    """Check that uploads can be confined here, or are trusted.

    Raises:
        SandboxUnavailable: Neither is so.
    """
    offer = confinement()
    if not offer.available and not get_settings().trust_uploads:
        raise SandboxUnavailable(
            offer.reason,
            hint="Use Linux 5.13 or newer, or set WHETSTONE_TRUST_UPLOADS=1 only for files you trust.",
        )


def extensions() -> tuple[Path, ...]:
    """Return the owner's folder of extensions, where there is one: told here, the child need not ask."""
    own = get_settings().extensions
    return () if own is None else (own.resolve(),)
