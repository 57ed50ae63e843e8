"""A Ray cluster of three working nodes on loopback, which share this machine and its cores."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.work.nodes import CPU, NODE, node_resources

NODES = 3
SMALL = 80 * 1024**2


@contextmanager
def loopback(folder: Path, kinds: Sequence[str] = ("",) * NODES, **env: str) -> Iterator[Any]:
    """Start a head that does no work, and nodes that work in `folder`; stop all at the end.

    Args:
        folder: For the nodes' copies.
        kinds: Of the nodes, each of which declares the kind of machine that stands here; this one if empty.
        env: Variables of the nodes.
    """
    import ray
    from ray.cluster_utils import Cluster

    names = {"RAY_USAGE_STATS_ENABLED": "0", "WHETSTONE_DATA_DIR": str(folder / "nodes"), **env}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    node = {"num_cpus": 2, "object_store_memory": SMALL}
    head = {"num_cpus": 0, "object_store_memory": SMALL, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for kind in kinds:
            cluster.add_node(**node, resources=_declared(kind))
        cluster.wait_for_nodes()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _declared(kind: str) -> dict[str, float]:
    has = node_resources()
    if not kind:
        return has
    return {key: value for key, value in has.items() if not key.startswith(CPU)} | {CPU + kind: 1.0}


def kill_building(cluster: Any) -> None:
    """Kill the node on which something is built, which takes a share of one."""
    import ray

    free = ray._private.state.available_resources_per_node()
    busy = [each for each in cluster.worker_nodes if free.get(each.node_id, {}).get(NODE, 1.0) < 1]
    cluster.remove_node(busy[0], allow_graceful=False)


def kill_busy(cluster: Any, until: float) -> Any:
    """Kill the first node on which something is done whole, as a power cut would; return it."""
    import ray

    while time.monotonic() < until:
        free = ray._private.state.available_resources_per_node()
        busy = [each for each in cluster.worker_nodes if free.get(each.node_id, {}).get(NODE, 0.0) <= 0]
        if busy:
            cluster.remove_node(busy[0], allow_graceful=False)
            return busy[0]
        time.sleep(0.1)
    raise AssertionError("no node was busy")
