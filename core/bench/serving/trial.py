"""Unit of work that starts a service, asks it and loads it, with the machine for itself."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import msgspec
import numpy as np

from core.archives.zips import extract_zip
from core.bench.serving.asking import OTHER, STAGES
from core.bench.serving.commands import (
    BARE,
    CHANGE,
    COMPARE,
    COUNT,
    LOAD,
    READY,
    REFUSE,
    SERVE,
    Answered,
    Ask,
    Bare,
    Serve,
)
from core.bench.timing.statistics import runs_needed
from core.domain.service import Load, Refusal, Trial
from core.errors import ChildCrashed, ChildTimeout
from core.machine.environment import environment
from core.registry import get_packager
from core.sandbox.answers import figures
from core.sandbox.commands import Command
from core.sandbox.process import Child
from core.serde import to_plain
from core.settings import get_settings
from core.work.unit import Done, Job, Kind, Progress

SERVICE = "service"
"""The unit's input: the download as one file."""
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
LOAD_S, BARE_S, POLL_S = 2.0, 0.7, 0.05
QUEUE, LOOPBACK = 4096, "127.0.0.1"
Q = TypeVar("Q")
A = TypeVar("A", bound=msgspec.Struct)


class TrialRequest(msgspec.Struct, frozen=True):
    """What to try.

    Attributes:
        file: Name of the download.
        kind: Id of its packager.
        threads: Of the model.
        features: What was chosen, by name.
    """

    file: str
    kind: str
    threads: int
    features: tuple[str, ...]


class _Both:
    """The process that serves, confined, and the one that asks.

    The socket is bound to the loopback here: the service can accept connections on it and make none.
    """

    def __init__(self, request: TrialRequest, job: Job) -> None:
        self._job, self._timeout = job, get_settings().child_timeout_s
        self.folder = job.folder / "service"
        extract_zip(job.inputs[SERVICE] / request.file, self.folder)
        self._listening = socket.create_server((LOOPBACK, 0), backlog=QUEUE)
        self._kind, self.dialects = request.kind, get_packager(request.kind).serves
        self._grpc = _free_port() if any(each.transport == "grpc" for each in self.dialects) else 0
        self.key = secrets.token_urlsafe(16) if "auth" in request.features else ""
        if self.key:
            kept = {"trial": {"sha256": sha256(self.key.encode()).hexdigest(), "admin": True}}
            (self.folder / "keys.json").write_text(json.dumps(kept))
        if "versions" in request.features:
            shutil.copytree(self.folder / "models" / "v1", self.folder / "models" / OTHER)
        threads, state = str(request.threads), job.folder / "state"
        given = {"OMP_NUM_THREADS": threads, "SERVICE_STATE": str(state), "SERVICE_RATE": "1000000000/second"}
        given["SERVICE_CANARY"] = "0"  # the golden outputs are those of one version
        self.began = monotonic()
        self._serving = Child(
            "core.bench.serving.host",
            reads=[self.folder],
            writes=state,
            env=given,
            accepts=self._listening.fileno(),
            binds=self._grpc or None,
        )
        # Our own code, of our own files; of what the service answers it takes figures alone.
        self._asking = Child("core.bench.serving.asking", writes=job.folder / "asking", confined=False)
        self._apart(request.threads)

    def _apart(self, threads: int) -> None:
        """Leave the asking process a core of its own, where the model does not need all."""
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if len(cores) > threads:
            self._asking.keep_to(set(cores[:1]))
            self._serving.keep_to(set(cores[1:]))

    def serve(self) -> None:
        """Start the service."""
        self._told(self._serving, SERVE, Serve(str(self.folder), self._listening.fileno(), self._grpc))

    def bare_ms(self) -> list[float]:
        """Return the times of bare calls."""
        return self._told(self._serving, BARE, Bare(BARE_S)).ms

    def ask(self, command: Command[Ask, A], **more: Any) -> A:
        """Ask the service."""
        port = int(self._listening.getsockname()[1])
        whom = Ask(folder=str(self.folder), kind=self._kind, port=port, grpc_port=self._grpc, key=self.key)
        return self._told(self._asking, command, msgspec.structs.replace(whom, **more))

    def _told(self, child: Child, command: Command[Q, A], request: Q) -> A:
        seconds = min(self._timeout, self._job.seconds_left())
        return figures(child.call(command.name, to_plain(request), seconds), command.answer)

    def memory_bytes(self) -> int:
        """Return the most resident memory that the service had so far."""
        status = Path(f"/proc/{self._serving.pid}/status").read_text(encoding="utf8")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024

    def close(self) -> None:
        """End both."""
        self._serving.close()
        self._asking.close()
        self._listening.close()


def trial(request: TrialRequest, job: Job) -> Done[Trial]:
    """Start, ask, load and stop a service.

    Raises:
        ChildCrashed: It ended, or is not ready for another reason than that it still loads.
        ChildTimeout: It was not ready in time.
        Cancelled: The work was stopped.
    """
    before = environment()
    with closing(_Both(request, job)) as both:
        ready_ms = _ready(both, job)
        job.progress(Progress(message="sending the golden inputs", share=0.2))
        compared = [both.ask(COMPARE, dialect=at) for at in range(len(both.dialects))]
        refusals = [each for at in range(len(both.dialects)) for each in _refusals(both, at)]
        loads, alone, bare = _loaded(both, job)
        cached = both.ask(LOAD, seconds=LOAD_S, cached=True) if "cache" in request.features else None
        counted = bool(both.ask(COUNT).so) if "metrics" in request.features else None
        memory = both.memory_bytes()
        changed = bool(both.ask(CHANGE).so) if "versions" in request.features else None
        alive = both.ask(READY).status == 200
        found = Trial(
            equal=all(each.equal for each in compared),
            largest_error=max(each.largest for each in compared),
            golden=compared[0].golden,
            bare_p50_ms=float(np.median(bare)),
            loads=loads,
            stages=_stages(alone),
            cached_p50_ms=float(np.median(cached.ms)) if cached is not None and cached.ms else None,
            ready_ms=ready_ms,
            memory_bytes=memory,
            refusals=tuple(refusals),
            alive=alive,
            environment=replace(environment(), load_before=before.load_before),
            counted=counted,
            rolled_back=changed,
        )
    return Done(found)


def _loaded(both: _Both, job: Job) -> tuple[tuple[Load, ...], Answered, list[float]]:
    """Load it with more and more clients.

    Returns:
        What came of each load, what one client alone got, and the milliseconds of bare calls around that.

    Raises:
        ChildCrashed: It answered none of the requests of a load.
    """
    answered, loads, bare = list[Answered](), list[Load](), both.bare_ms()
    for done, clients in enumerate(CLIENTS):
        said = f"loading it with {clients} client{'s' if clients > 1 else ''}"
        job.progress(Progress(message=said, share=0.3 + 0.6 * done / len(CLIENTS)))
        answered.append(both.ask(LOAD, clients=clients, seconds=LOAD_S))
        loads.append(_load(clients, answered[-1]))
        if clients == 1:
            bare += both.bare_ms()
    return tuple(loads), answered[0], bare


def _ready(both: _Both, job: Job) -> float:
    """Start the service and return the milliseconds until it was ready."""
    job.progress(Progress(message="starting the service", share=0.05))
    both.serve()
    until = monotonic() + min(get_settings().child_timeout_s, job.seconds_left())
    while both.ask(READY).status != 200:
        if monotonic() > until or job.over():
            raise ChildTimeout(
                "The service did not become ready.",
                hint="Unzip it and run python serve.py: GET /ready says why it is not.",
            )
        sleep(POLL_S)
    return 1e3 * (monotonic() - both.began)


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as taken:
        return int(taken.getsockname()[1])


def _refusals(both: _Both, at: int) -> list[Refusal]:
    """Send what must be refused, in one of the protocols."""
    dialect, statuses = both.dialects[at], both.ask(REFUSE, dialect=at).statuses
    over = f" ({dialect.name})" if len(both.dialects) > 1 else ""
    # Names and statuses do not depend on the inputs.
    wrong = dialect.wrong({"x": np.zeros((1, 1), np.float32)})
    return [
        Refusal(f"{name}{over}", wanted, status)
        for (name, (wanted, _)), status in zip(wrong.items(), statuses, strict=True)
    ]


def _load(clients: int, answered: Answered) -> Load:
    if not answered.ms:
        raise ChildCrashed(
            f"The service answered none of the requests of {clients} clients with a prediction.",
            hint="Unzip it and run python serve.py and python client.py: they say why.",
        )
    ms = np.array(answered.ms)
    tail = {q: float(np.quantile(ms, q)) if len(ms) >= runs_needed(q) else None for q in (0.95, 0.99)}
    rate = len(ms) / answered.seconds
    return Load(clients, rate, float(np.median(ms)), tail[0.95], tail[0.99], len(ms), answered.errors)


def _stages(answered: Answered) -> dict[str, float]:
    told = zip(STAGES, answered.stage_ms, strict=True)
    return {name: took for name, took in told if took >= 0}


UNIT = Kind(__name__, "trial", TrialRequest, Trial, trial, confined=False)
