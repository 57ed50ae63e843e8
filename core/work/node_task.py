"""Task of a Ray cluster, node's side: one unit done on the node that it was sent to, with its progress.

`core.work.cluster` is the side that waits for it.
"""

from __future__ import annotations

import os
import socket
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from core.domain.model import FileRef
from core.errors import BackendMissing, ErrorRecord
from core.machine.environment import environment
from core.optional import version
from core.registry import passes, runtimes
from core.sandbox.protocol import failure
from core.settings import get_settings
from core.work import local
from core.work.executor import Files
from core.work.folders import job_folder, sweep_jobs
from core.work.host_turn import host_turn
from core.work.local import LocalExecutor
from core.work.node_checkpoints import States, travelling
from core.work.nodes import connect
from core.work.stop import Stop
from core.work.unit import Progress, WorkResult, WorkUnit

TELL_S = 0.1


class SharedFiles(Files, Protocol):
    """Files that every node can lay out; pickled, they are those of the node they arrive at.

    Attributes:
        states: Checkpoints of trainings, for all nodes.
    """

    states: States

    def share(self, files: Sequence[FileRef]) -> None:
        """See to it that nodes find `files`."""

    def forget_old(self) -> None:
        """Drop copies that this node has not used for long."""


@dataclass(frozen=True)
class Task:
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


def versions() -> dict[str, str]:
    """Return the versions of this Whetstone and of the libraries that artifact ids name."""
    return {"whetstone": version("whetstone") or "", **environment().libraries}


def on_node(task: Task) -> WorkResult[Any] | ErrorRecord:
    """Do a unit on the node that this is."""
    teller = _Teller(task)
    try:
        _check_versions(task.versions)
        local.ENV.update(task.env)
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's guess; the runtime says how many threads there are
        task.files.forget_old()
        jobs = get_settings().data_dir / "node" / "jobs"
        jobs.mkdir(0o700, parents=True, exist_ok=True)
        sweep_jobs(jobs)
        with host_turn(task.unit.alone):
            teller.tell(None)
            stop = Stop(time.monotonic() + task.remaining_s)
            # What kind of machine a node is, it says itself: Ray chose it by that.
            unit = msgspec.structs.replace(task.unit, machine="")
            doing = LocalExecutor(task.files, jobs)
            if unit.checkpoints is None:
                return doing.run(unit, stop, teller.tell)
            with (
                job_folder(jobs) as folder,
                travelling(task.files.states, unit.checkpoints.name, folder / "state") as kept,
            ):
                return doing.run(msgspec.structs.replace(unit, checkpoints=kept), stop, teller.tell)
    except Exception as error:
        return failure(error)
    finally:
        teller.flush()


class _Teller:
    """Sends what a unit says to the mailbox, several at once where it says much."""

    def __init__(self, task: Task) -> None:
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
    """Refuse a node with other libraries: artifacts of one id would differ by where they were built.

    One that only runtimes need may be missing: what needs it says so.
    """
    here, built_by = versions(), {module for each in passes().values() for module in each.libraries}
    spared = {module for each in runtimes().values() for module in each.modules} - built_by - here.keys()
    other = [
        f"{name} {here.get(name)} instead of {found}"
        for name, found in wanted.items()
        if here.get(name) != found and name not in spared
    ]
    if other:
        raise BackendMissing(
            f"The node {socket.gethostname()} has other libraries than the worker: {', '.join(other[:3])}.",
            hint="Install the same release of Whetstone with the same constraints on every node.",
        )
