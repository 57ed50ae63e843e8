"""The executor of a Ray cluster: each unit is a task on some node, done there in a confined process.

Placing tasks, and repeating those whose node was lost, is Ray's business. Files travel by content id through
the shared store, see `core.store.shared`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from core.domain.measurement import Environment
from core.errors import Cancelled, ChildTimeout, ErrorRecord, InvalidRequest
from core.sandbox.protocol import error_of
from core.settings import get_settings
from core.work import local
from core.work.local import LocalExecutor
from core.work.node_task import Mailbox, SharedFiles, Task, on_node, versions
from core.work.nodes import (
    CPU,
    ClusterFailed,
    able,
    connect,
    kinds_of,
    measuring_kind,
    nobody,
    nodes,
    options,
    request,
)
from core.work.stop import Stop
from core.work.unit import A, Progress, Q, WorkResult, WorkUnit, unheard

RETRIES = 3
"""How often a unit is repeated whose node was lost; a failure of the unit itself is not repeated."""
POLL_S = 0.2
WAIT_FOR_NODE_S = 60.0
"""Seconds to wait for a node that can do it at all: one that was lost may come back."""


class RayExecutor:
    """Does units on a cluster; see `core.work.executor.Executor`."""

    id: ClassVar[str] = "ray"
    name: ClassVar[str] = "Ray cluster"
    here: ClassVar[bool] = False

    def __init__(self, files: SharedFiles, jobs: Path) -> None:
        if not hasattr(files, "share"):
            raise InvalidRequest(
                "A cluster needs a shared store, through which files reach its nodes.",
                hint="Set WHETSTONE_SHARED_STORE to a folder that all nodes see, or to s3://bucket/folder.",
            )
        self._files, self._local = files, LocalExecutor(files, jobs)
        self._kind = get_settings().measure_on.removeprefix(CPU)
        self._mailbox: Any = None

    def machines(self) -> dict[str, Environment]:
        """Return the kinds among its nodes, see `Executor.machines`.

        Raises:
            ClusterFailed: There is no cluster, or it does not answer.
        """
        found = kinds_of(nodes())
        return {kind: found[kind] for kind in sorted(found, key=lambda kind: kind != self._kind)}

    def run(
        self, unit: WorkUnit[Q, A], stop: Stop, on_progress: Callable[[Progress], None] = unheard
    ) -> WorkResult[A]:
        """Do `unit`, see `Executor.run`; what reads files of this machine is done on it.

        Raises:
            ClusterFailed: There is no cluster, no node for this unit, or its nodes were lost again and again.
        """
        if unit.reads:
            return self._local.run(unit, stop, on_progress)
        stop.check()
        ray = connect()
        self._files.share([file for files in unit.inputs.values() for file in files])
        kept, states = unit.checkpoints, self._files.states
        if kept is not None and not states.has(kept.name):
            states.put(kept.name, kept)  # of a training that was begun on this machine
        token, mailbox, left = uuid.uuid4().hex, self._at(ray), stop.remaining_s
        task = Task(unit, left, self._files, versions(), local.ENV, mailbox, token)
        asked = request(unit, unit.machine)
        if unit.alone and not unit.machine:
            self._kind = self._kind or measuring_kind(ray.nodes(), asked)
            asked = request(unit, self._kind)
        remote = ray.remote(max_retries=RETRIES, retry_exceptions=False, **options(asked))(on_node)
        reply = _waited(ray, remote.remote(task), task, asked, stop, on_progress)
        if isinstance(reply, ErrorRecord):
            raise error_of(reply)
        return reply

    def _at(self, ray: Any) -> Any:
        """Return the mailbox, which must not be lost with another node."""
        if self._mailbox is None:
            strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
                ray.get_runtime_context().get_node_id(), soft=False
            )
            self._mailbox = ray.remote(num_cpus=0, scheduling_strategy=strategy)(Mailbox).remote()
        return self._mailbox


def _waited(
    ray: Any,
    doing: Any,
    task: Task,
    asked: dict[str, float],
    stop: Stop,
    on_progress: Callable[[Progress], None],
) -> WorkResult[Any] | ErrorRecord:
    """Return what the node answers; pass on what it says meanwhile."""
    begun, hopeless = 0, time.monotonic() + WAIT_FOR_NODE_S
    try:
        while True:
            done, _ = ray.wait([doing], timeout=POLL_S)
            for said in ray.get(task.mailbox.take.remote(task.token)):
                if said is not None:
                    on_progress(said)
                else:
                    begun += 1
            if done:
                reply: WorkResult[Any] | ErrorRecord = ray.get(doing)
                return reply
            if stop.event.is_set():
                raise Cancelled("The run was cancelled.")
            if begun != 1 and stop.remaining_s <= 0:  # the first node knows by itself when it is over
                why = "A node was lost on the way." if begun else "No node of the cluster was free in time."
                raise ChildTimeout("The time budget was over.", hint=why)
            if begun or able(ray.nodes(), asked):
                hopeless = time.monotonic() + WAIT_FOR_NODE_S
            elif time.monotonic() > hopeless:
                raise nobody(asked)
    except ray.exceptions.RayError as error:
        raise ClusterFailed(
            f"The cluster lost this step: {str(error).splitlines()[0]}",
            hint="Look at ray status and its logs.",
        ) from error
    finally:
        # No effect on what is done; else the node's processes die with the task.
        ray.cancel(doing, force=True)


EXECUTOR = RayExecutor
