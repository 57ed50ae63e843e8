"""The executor of a Ray cluster: each unit is a task on some node, done there in a confined process.

Placing tasks, and repeating those whose node was lost, is Ray's business. Files travel by content id through
the shared store, see `core.store.shared`.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from core.domain.model import FileRef
from core.errors import BackendMissing, Cancelled, ChildTimeout, InvalidRequest
from core.machine.environment import environment
from core.optional import version
from core.sandbox.protocol import error_of, failure
from core.settings import get_settings
from core.work import local
from core.work.executor import Files
from core.work.local import LocalExecutor
from core.work.nodes import ClusterFailed, able, connect, measuring_kind, nobody, options, request
from core.work.stop import Stop
from core.work.unit import A, Progress, Q, WorkResult, WorkUnit, unheard

RETRIES = 3
"""How often a unit is repeated whose node was lost; a failure of the unit itself is not repeated."""
POLL_S, TELL_S = 0.2, 0.1
WAIT_FOR_NODE_S = 60.0
"""Seconds to wait for a node that can do it at all: one that was lost may come back."""


class SharedFiles(Files, Protocol):
    """Files that every node can lay out; pickled, they are those of the node they arrive at."""

    def share(self, files: Sequence[FileRef]) -> None:
        """See to it that nodes find `files`."""

    def forget_old(self) -> None:
        """Drop copies that this node has not used for long."""


@dataclass(frozen=True)
class _Task:
    """What a node is told to do.

    Attributes:
        unit: The unit.
        remaining_s: Of the time of the whole run.
        files: Where its inputs come from and its results go.
        versions: Of the libraries that it must be done with.
        env: Variables of the confined processes.
        mailbox: Takes its progress, under `token`.
    """

    unit: WorkUnit[Any, Any]
    remaining_s: float
    files: SharedFiles
    versions: dict[str, str]
    env: dict[str, str]
    mailbox: Any
    token: str


class Mailbox:
    """Progress of units on its way to who waits for them; an actor beside the worker."""

    def __init__(self) -> None:
        self._said: dict[str, list[Progress | None]] = defaultdict(list)

    def tell(self, token: str, said: list[Progress | None]) -> None:
        """Keep what the unit of `token` says; None says that it begins."""
        self._said[token] += said

    def take(self, token: str) -> list[Progress | None]:
        """Return what the unit has said since the last time."""
        return self._said.pop(token, [])


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
        self._kind = get_settings().measure_on
        self._mailbox: Any = None

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
        token, mailbox, left = uuid.uuid4().hex, self._at(ray), stop.remaining_s
        task = _Task(unit, left, self._files, _versions(), local.ENV, mailbox, token)
        asked = request(unit)
        if unit.alone:
            self._kind = self._kind or measuring_kind(ray.nodes(), asked)
            asked = request(unit, self._kind)
        remote = ray.remote(max_retries=RETRIES, retry_exceptions=False, **options(asked))(_on_node)
        reply = _waited(ray, remote.remote(task), task, asked, stop, on_progress)
        if "error" in reply:
            raise error_of(reply["error"])
        result: WorkResult[A] = reply["result"]
        return result

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
    task: _Task,
    asked: dict[str, float],
    stop: Stop,
    on_progress: Callable[[Progress], None],
) -> dict[str, Any]:
    """Return what the node answers; pass on what it says meanwhile."""
    begun, hopeless = False, time.monotonic() + WAIT_FOR_NODE_S
    try:
        while True:
            done, _ = ray.wait([doing], timeout=POLL_S)
            for said in ray.get(task.mailbox.take.remote(task.token)):
                begun = True
                if said is not None:
                    on_progress(said)
            if done:
                reply: dict[str, Any] = ray.get(doing)
                return reply
            if stop.event.is_set():
                raise Cancelled("The run was cancelled.")
            if not begun and stop.remaining_s <= 0:
                raise ChildTimeout(
                    "The time budget was over.", hint="No node of the cluster was free in time."
                )
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
        ray.cancel(
            doing, force=True
        )  # no effect on what is done; else the node's processes die with the task


def _versions() -> dict[str, str]:
    return {"whetstone": version("whetstone") or "", **environment().libraries}


def _on_node(task: _Task) -> dict[str, Any]:
    """Do a unit on the node that this is."""
    teller = _Teller(task)
    try:
        _check_versions(task.versions)
        local.ENV.update(task.env)
        os.environ.pop(
            "OMP_NUM_THREADS", None
        )  # Ray's guess; how many threads there are is the runtime's to say
        task.files.forget_old()
        jobs = get_settings().data_dir / "node" / "jobs"
        jobs.mkdir(0o700, parents=True, exist_ok=True)
        with _host_turn(task.unit.alone):
            teller.tell(None)
            stop = Stop(time.monotonic() + task.remaining_s)
            return {"result": LocalExecutor(task.files, jobs).run(task.unit, stop, teller.tell)}
    except Exception as error:
        return failure(error)
    finally:
        teller.flush()


class _Teller:
    """Sends what a unit says to the mailbox, several at once where it says much."""

    def __init__(self, task: _Task) -> None:
        self._task, self._said, self._sent = task, list[Progress | None](), 0.0

    def tell(self, said: Progress | None) -> None:
        """Send `said`, now or with what follows."""
        self._said.append(said)
        if time.monotonic() - self._sent > TELL_S:
            self.flush()

    def flush(self) -> None:
        """Send what was not sent yet, and wait until it is there."""
        if self._said:
            connect().get(self._task.mailbox.tell.remote(self._task.token, self._said))
            self._said, self._sent = [], time.monotonic()


def _check_versions(wanted: dict[str, str]) -> None:
    """Refuse a node with other libraries: artifacts of one id would differ by where they were built."""
    here = _versions()
    other = [
        f"{name} {here.get(name)} instead of {wanted[name]}"
        for name in wanted
        if here.get(name) != wanted[name]
    ]
    if other:
        raise BackendMissing(
            f"The node {socket.gethostname()} has other libraries than the worker: {', '.join(other[:3])}.",
            hint="Install the same release of Whetstone with the same constraints on every node.",
        )


@contextmanager
def _host_turn(alone: bool) -> Iterator[None]:
    """Wait until this machine is free: several nodes may be started on one, and share its cores."""
    path = Path(tempfile.gettempdir()) / "whetstone-host.lock"
    with suppress(FileExistsError):
        path.touch(0o644, exist_ok=False)
    with path.open("rb") as file:  # to read is enough for a lock, and it may be another user's file
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


EXECUTOR = RayExecutor
