"""Whether an extension can be used here, found out without an import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.optional import install_line, version


@dataclass(frozen=True)
class Availability:
    """Whether an extension can be used here.

    Attributes:
        ok: It can.
        version: Of its library, empty where absent.
        reason: Why not.
        install: The line that installs it.
    """

    ok: bool
    version: str = ""
    reason: str = ""
    install: str = ""

    @property
    def way_out(self) -> str:
        """What to do about it, as a sentence; empty where that is not known."""
        command = self.install[:1].islower() and not self.install.endswith(".")
        return f"Install it: {self.install}" if command else self.install


def availability(modules: Sequence[str]) -> Availability:
    """Say whether all `modules` are installed, reading package metadata only."""
    missing = [module for module in modules if version(module) is None]
    if missing:
        lines = " && ".join(install_line(module) for module in missing)
        return Availability(False, reason=f"{', '.join(missing)} is not installed.", install=lines)
    return Availability(True, version=(version(modules[0]) or "") if modules else "")
