"""One observation on a measured candidate, for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One observation.

    Attributes:
        kind: ``good``, ``note`` or ``warning``.
        message: What was seen and what it means.
    """

    kind: str
    message: str
