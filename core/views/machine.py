"""This computer, its runtimes and this installation."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from core.domain.measurement import Environment
from core.machine.environment import environment
from core.protocols import Availability
from core.registry import runtimes
from core.sandbox.confinement import Confinement, confinement
from core.settings import Settings, get_settings
from core.toolchains.environments import State, state_of
from core.toolchains.lists import Toolchain, toolchains


@dataclass(frozen=True)
class MachineView:
    """What measurements run on and how uploads are confined.

    Attributes:
        environment: Processor, memory, system, libraries.
        runtimes: Id, name and availability of each runtime.
        confinement: What the system offers to close uploads in.
        settings: Name of the environment variable, its value, and whether it differs from the default.
        toolchains: Every toolchain, and what there is of its environment.
    """

    environment: Environment
    runtimes: tuple[tuple[str, str, Availability], ...]
    confinement: Confinement
    settings: tuple[tuple[str, str, bool], ...]
    toolchains: tuple[tuple[Toolchain, State], ...] = ()


def machine() -> MachineView:
    """Return what this computer is and has."""
    settings, usual = _without_passwords(get_settings()), Settings()
    values = {spec.name: getattr(settings, spec.name) for spec in fields(settings)}
    rows = tuple(
        (f"WHETSTONE_{name.upper()}", str(value), value != getattr(usual, name))
        for name, value in values.items()
    )
    found = tuple((each.id, each.name, each.available()) for each in runtimes().values())
    environments = tuple((each, state_of(each)) for each in toolchains().values())
    return MachineView(environment(), found, confinement(), rows, environments)


def _without_passwords(settings: Settings) -> Settings:
    hidden = re.sub(r"(//[^:/@]*:|[?&]password=)[^@&]+", r"\1***", settings.database_url)
    return replace(settings, database_url=hidden)
