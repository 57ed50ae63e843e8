"""Nodes of a Ray cluster: the resources they offer, what a unit asks of them, and what they are doing.

A node declares what it is when it joins: ``ray start --resources="$(whetstone doctor --resources)"``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from core.domain.measurement import Environment
from core.errors import BackendMissing, ErrorRecord, WhetstoneError
from core.machine.environment import environment, machine_kind
from core.optional import load
from core.sandbox.protocol import error_of, failure
from core.settings import get_settings
from core.work.unit import WorkUnit

WHOLE, SHARE = 1.0, 0.001
"""Of a node: while something is timed nothing else may be on it, and any number of builds may share one."""
NODE, CPU, ISA, DEVICE = "node", "cpu:", "isa:", "device:"
ASKING_S = 30.0


class ClusterFailed(WhetstoneError):
    """The cluster cannot be reached, or lost what it was doing."""

    code = "cluster_failed"


class Node(msgspec.Struct, frozen=True):
    """A node of the cluster.

    Attributes:
        name: Its address.
        cpu: Model of its processor; the name of its kind of machine.
        isa: Instruction sets that matter.
        cores: Processor cores.
        gpus: Graphics processors.
        busy: ``measuring``, ``building`` or nothing.
        ready: Whether it declared what it is, without which it gets no work.
    """

    name: str
    cpu: str
    isa: tuple[str, ...]
    cores: int
    gpus: int
    busy: str
    ready: bool


def node_resources() -> dict[str, float]:
    """Return what this machine declares to Ray: itself as a whole, its processor and instruction sets."""
    here = environment()
    return {NODE: WHOLE, CPU + machine_kind(here.cpu): WHOLE, **{ISA + name: WHOLE for name in here.isa}}


def request(unit: WorkUnit[Any, Any], machine: str = "") -> dict[str, float]:
    """Return the resources that `unit` asks of one node.

    Args:
        unit: What is to be done.
        machine: Kind of machine to do it on, such as ``amd-epyc-9b45``; empty for any.
    """
    asked = {"CPU": float(unit.cores), NODE: WHOLE if unit.alone else SHARE}
    if machine:
        asked[CPU + machine] = SHARE
    if unit.device == "cuda":
        asked["GPU"] = 1.0
    elif unit.device != "cpu":
        asked[DEVICE + unit.device] = SHARE
    if unit.memory_bytes:
        asked["memory"] = float(unit.memory_bytes)
    return asked


def options(asked: dict[str, float]) -> dict[str, Any]:
    """Return resources as the options of a Ray task."""
    named = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
    own = {name: value for name, value in asked.items() if name not in named}
    return {named[name]: asked[name] for name in named if name in asked} | {"resources": own}


def able(nodes: Sequence[dict[str, Any]], asked: dict[str, float]) -> list[dict[str, Any]]:
    """Return those of Ray's `nodes` that live and have what is asked, busy or not."""
    living = (node for node in nodes if node["Alive"])
    return [node for node in living if all(node["Resources"].get(key, 0) >= asked[key] for key in asked)]


def measuring_kind(nodes: Sequence[dict[str, Any]], asked: dict[str, float]) -> str:
    """Return the kind of machine that most of the able nodes are: figures of others are not on the same axis.

    Raises:
        ClusterFailed: No node can do it.
    """
    kinds = [
        key.removeprefix(CPU)
        for node in able(nodes, asked)
        for key in node["Resources"]
        if key.startswith(CPU)
    ]
    if not kinds:
        raise nobody(asked)
    return _by_number(kinds)[0]


def kinds_of(nodes: Sequence[Node]) -> dict[str, Environment]:
    """Return what is known of each kind of machine among `nodes` that take work, the most frequent first."""
    working = [node for node in nodes if node.ready and node.cpu]
    here, found = environment(), {}
    for kind in _by_number([node.cpu for node in working]):
        alike = [node for node in working if node.cpu == kind]
        common = set.intersection(*(set(node.isa) for node in alike))
        cores = min(node.cores for node in alike)
        found[kind] = replace(here, cpu=kind, isa=tuple(sorted(common)), cores=cores)
    return found


def _by_number(kinds: Sequence[str]) -> list[str]:
    counts = Counter(kinds)
    return sorted(counts, key=lambda kind: (-counts[kind], kind))


def nobody(asked: dict[str, float]) -> ClusterFailed:
    """Return the error of a unit that no node can take."""
    wanted = ", ".join(f"{name} {value:g}" for name, value in asked.items())
    return ClusterFailed(
        f"No node of the cluster has what this step asks for: {wanted}.",
        hint='Start nodes with ray start --resources="$(whetstone doctor --resources)"; see docs/cluster.md.',
    )


def connect() -> Any:
    """Return the module `ray`, connected to the cluster that WHETSTONE_RAY_ADDRESS names.

    Raises:
        BackendMissing: Ray is not installed.
        ClusterFailed: There is no cluster at this address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        ray = load("ray")
    except BackendMissing as error:
        raise BackendMissing(error.message, hint="Install it: pip install 'whetstone[cluster]'") from error
    address = get_settings().ray_address
    if not ray.is_initialized():
        try:
            _knock(address)
            ray.init(address, namespace="whetstone", log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ClusterFailed(
                f"The Ray cluster at {address} cannot be reached: {str(error).splitlines()[0]}",
                hint="Start it with ray start --head, or set WHETSTONE_RAY_ADDRESS; see docs/cluster.md.",
            ) from error
    return ray


def _knock(address: str) -> None:
    """Raise `OSError` at once where nobody listens: Ray itself asks for half a minute."""
    host, sign, port = address.rpartition("://")[2].rpartition(":")
    if sign and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def nodes() -> tuple[Node, ...]:
    """Return the living nodes, asked by a process of its own: one that shows pages joins no cluster.

    Raises:
        BackendMissing: Ray is not installed.
        ClusterFailed: There is no cluster, or it does not answer.
    """
    asking = [sys.executable, "-P", "-m", "core.work.nodes"]
    try:
        said = subprocess.run(asking, capture_output=True, timeout=ASKING_S, check=True).stdout
    except (subprocess.SubprocessError, OSError) as error:
        raise ClusterFailed(
            f"The Ray cluster at {get_settings().ray_address} does not answer.",
            hint="Look at ray status on one of its machines.",
        ) from error
    answer = msgspec.json.decode(said.splitlines()[-1], type=_Answer)
    if answer.error is not None:
        raise error_of(answer.error)
    return answer.nodes


def _seen(node: dict[str, Any], free: dict[str, float]) -> Node:
    has = node["Resources"]
    cpu = next((key.removeprefix(CPU) for key in has if key.startswith(CPU)), "")
    isa = tuple(sorted(key.removeprefix(ISA) for key in has if key.startswith(ISA)))
    left = free.get(NODE, 0.0)
    busy = "" if left >= has.get(NODE, 0.0) else "measuring" if left <= 0 else "building"
    cores, gpus = int(has.get("CPU", 0)), int(has.get("GPU", 0))
    return Node(node["NodeManagerAddress"], cpu, isa, cores, gpus, busy, NODE in has)


class _Answer(msgspec.Struct, frozen=True):
    """What the process that asks says: the living nodes, or why there are none."""

    nodes: tuple[Node, ...] = ()
    error: ErrorRecord | None = None


def _ask() -> _Answer:
    try:
        ray = connect()
        free = ray._private.state.available_resources_per_node()
        living = (each for each in ray.nodes() if each["Alive"])
        return _Answer(tuple(_seen(each, free.get(each["NodeID"], {})) for each in living))
    except WhetstoneError as error:
        return _Answer(error=failure(error))


if __name__ == "__main__":
    print(msgspec.json.encode(_ask()).decode())
