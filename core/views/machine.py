"""This computer, its runtimes and this installation."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, fields, replace

from core.domain.measurement import Environment
from core.engine.executors import executor
from core.errors import BackendMissing, WhetstoneError
from core.machine.environment import environment
from core.protocols import Availability
from core.registry import runtimes
from core.sandbox.confinement import Confinement, confinement
from core.settings import Settings, get_settings
from core.store.store import Store
from core.toolchains.environments import State, state_of
from core.toolchains.lists import Toolchain, toolchains
from core.work.nodes import ClusterFailed, Node, nodes


@dataclass(frozen=True)
class ClusterView:
    """The cluster that builds and measures.

    Attributes:
        nodes: Its living nodes.
        missing: Why there are none to be seen; empty where they are.
        hint: What to do about it.
    """

    nodes: tuple[Node, ...]
    missing: str = ""
    hint: str = ""


@dataclass(frozen=True)
class MachineView:
    """Machine view: hardware, runtimes, and the confinement of uploads.

    Attributes:
        environment: Processor, memory, system, libraries.
        runtimes: Id, name and availability of each runtime.
        confinement: What the system offers to close uploads in.
        settings: Name of the environment variable, its value, and whether it differs from the default.
        toolchains: Every toolchain, and what there is of its environment.
        cluster: The nodes that build and measure; None where this machine does.
    """

    environment: Environment
    runtimes: tuple[tuple[str, str, Availability], ...]
    confinement: Confinement
    settings: tuple[tuple[str, str, bool], ...]
    toolchains: tuple[tuple[Toolchain, State], ...] = ()
    cluster: ClusterView | None = None


def machine(thorough: bool = False) -> MachineView:
    """Return what this computer is and has.

    Args:
        thorough: Look at every file of the toolchains' environments.
    """
    settings, usual = _without_passwords(get_settings()), Settings()
    values = {spec.name: getattr(settings, spec.name) for spec in fields(settings)}
    rows = tuple(
        (f"WHETSTONE_{name.upper()}", str(value), value != getattr(usual, name))
        for name, value in values.items()
    )
    found = tuple((each.id, each.name, each.available()) for each in runtimes().values())
    environments = tuple((each, state_of(each, thorough)) for each in toolchains().values())
    cluster = _cluster() if settings.executor == "ray" else None
    return MachineView(environment(), found, confinement(), rows, environments, cluster)


def measuring_kinds(store: Store) -> tuple[str, ...]:
    """Return the kinds of machine that the executor measures on, its own choice first; none without any."""
    with suppress(WhetstoneError):
        return tuple(executor(store).machines())
    return ()


def _cluster() -> ClusterView:
    try:
        return ClusterView(nodes())
    except (BackendMissing, ClusterFailed) as error:
        return ClusterView((), error.message, error.hint)


def _without_passwords(settings: Settings) -> Settings:
    def hidden(url: str) -> str:
        return re.sub(r"(?<=[?&]password=)[^&@]+", "***", re.sub(r"(//[^:/@]*:).+(?=@)", r"\1***", url))

    urls = settings.database_url, settings.shared_store
    return replace(settings, database_url=hidden(urls[0]), shared_store=hidden(urls[1]))
