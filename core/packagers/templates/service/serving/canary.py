"""Canary: a share of the callers gets another version, until it has proven itself or is worse.

Who gets which is decided by a hash of the API key, of the header `X-Split-Key`, or of the address: a caller
always gets the same. A canary that is worse (see `arms.py`) is rolled back; after `canary_requests` that are
not, it is activated. Replicas that share the folder `state` follow each other.

SERVICE_CANARY   share of the callers, in place of that of `service.json`; 0 begins none
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import Any

import numpy as np

from serving.arms import FEWEST, Arm, differences, worse
from serving.errors import Refused
from serving.kit import MODELS, versions_there
from serving.record import Record
from serving.settings import Settings, state_folder
from serving.versions import FOLLOW_S, Versions
from serving.worker import Worker

CONTROL, CANARY = "control", "canary"
RUNNING, PROMOTED, ROLLED_BACK = "running", "promoted", "rolled back"
SPARE_S = 5.0
"""In which a version that gets no more requests has got those that were on their way."""


@dataclass(frozen=True)
class State:
    """What there is of a canary; replicas share it as a file."""

    version: str = ""
    share: float = 0.0
    state: str = ""
    reason: str = ""


class Canary:
    """Splits the callers, and judges.

    Args:
        settings: Of the service.
        versions: The active one is the control.
        load: Returns the worker of the kit in a folder.
    """

    def __init__(self, settings: Settings, versions: Versions, load: Callable[[Path], Worker]) -> None:
        self._settings, self._versions, self._load = settings, versions, load
        self._share = float(os.environ.get("SERVICE_CANARY", settings.share))
        self._file, self._lock, self._over = state_folder() / "canary.json", Lock(), Event()
        self._worker: Worker | None = None
        self._arms = {CONTROL: Arm(), CANARY: Arm()}
        self._look, self._judging = 1, False
        first = State(settings.canary, self._share, RUNNING if settings.canary and self._share > 0 else "")
        self._state = State()
        self._become(self._read() or first)
        Thread(target=self._follow, name="canary", daemon=True).start()

    def pick(self, record: Record) -> Worker | None:
        """Return the canary if the request is its; note in the record whose it is."""
        state, worker = self._state, self._worker
        if state.state != RUNNING or worker is None or not worker.ready.done():
            return None
        if worker.ready.exception() is not None:
            self._end(ROLLED_BACK, f"it cannot be used: {worker.ready.exception()}")
            return None
        hashed = sha256(f"{state.version}\0{record.unit}".encode()).digest()
        record.arm = CANARY if int.from_bytes(hashed[:8]) < state.share * 2**64 else CONTROL
        return worker if record.arm == CANARY else None

    def begin(self) -> None:
        """Nothing is known yet."""

    def end(self, record: Record) -> None:
        """Count what became of a request; the canary's mistakes that another version made good, too."""
        if record.arm not in self._arms or 400 <= record.status < 500:
            return
        failed, scores = record.status >= 500 or record.fallback, self._settings.scores
        known = record.outputs is not None and scores in record.outputs
        classes = np.ravel(record.outputs[scores].argmax(axis=-1)).tolist() if known else []
        with self._lock:
            self._arms[record.arm].add(failed, record.total_ms, classes)
            due = self._is_due() and not self._judging
            self._judging = self._judging or due
        if due:
            Thread(target=self._judge, name="judge", daemon=True).start()

    def _is_due(self) -> bool:
        least = min(arm.requests for arm in self._arms.values())
        enough = self._settings.canary_requests
        at = FEWEST * 2 ** (self._look - 1)
        return least >= FEWEST and self._arms[CANARY].requests >= (min(at, enough) if enough else at)

    def _judge(self) -> None:
        """Roll back what is worse; activate what had enough requests and is not."""
        try:
            with self._lock:
                found, bad = self._compared()
                self._look += 1
                seen, enough = self._arms[CANARY].requests, self._settings.canary_requests
            if bad:
                told = ", ".join(f"{each.name} ({each.size:.3g}, p {each.p:.1g})" for each in bad)
                self._end(ROLLED_BACK, f"worse in {told} after {seen} requests")
            elif enough and seen >= enough:
                self.promote(f"not worse in {', '.join(each.name for each in found)} after {seen} requests")
        except Refused as error:
            print(f"The canary stays as it is: {error}", file=sys.stderr)
        finally:
            self._judging = False

    def _compared(self) -> tuple[Any, Any]:
        found = differences(self._arms[CONTROL], self._arms[CANARY])
        return found, worse(found, self._look)

    def start(self, name: str) -> None:
        """Begin to split between the active version and another one, which is loaded first.

        Raises:
            Refused: There is none of this name, or it is the active one.
        """
        if name not in versions_there() or name == self._versions.active.name:
            others = [each for each in versions_there() if each != self._versions.active.name]
            raise Refused(404, f"There is no other version {name[:64]!r}. Known: {', '.join(others)}.")
        self._tell(State(name, self._share or self._settings.share, RUNNING))

    def promote(self, reason: str = "by hand") -> None:
        """Let the canary answer everybody.

        Raises:
            Refused: None is running, or it cannot be activated.
        """
        worker = self._running()
        self._versions.activate(worker.name, worker)
        self._end(PROMOTED, reason)

    def roll_back(self, reason: str = "by hand") -> None:
        """Let the canary answer nobody.

        Raises:
            Refused: None is running.
        """
        self._running()
        self._end(ROLLED_BACK, reason)

    def _running(self) -> Worker:
        if self._state.state != RUNNING or self._worker is None:
            raise Refused(409, "No canary is running. POST /canary/NAME/start begins one.")
        return self._worker

    def report(self) -> dict[str, Any]:
        """Return its state, what was seen of each arm, and how they differ."""
        with self._lock:
            arms = {name: arm.about() for name, arm in self._arms.items()}
            found, _ = self._compared()
        return {**asdict(self._state), "arms": arms, "differences": [asdict(each) for each in found]}

    def _end(self, state: str, reason: str) -> None:
        if self._state.state == RUNNING:
            self._tell(State(self._state.version, self._state.share, state, reason))

    def _tell(self, state: State) -> None:
        """Change the state, here and for replicas."""
        self._become(state)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(asdict(state)), encoding="utf8")
        print(json.dumps({"canary": asdict(state)}), file=sys.stderr, flush=True)

    def _become(self, state: State) -> None:
        with self._lock:
            before, worker = self._state, self._worker
            if state == before:
                return
            if state.state == RUNNING:
                self._arms, self._look = {CONTROL: Arm(), CANARY: Arm()}, 1
                worker, self._worker = self._worker, self._load(MODELS / state.version)
            else:
                self._worker = None
            self._state = state
        if worker is not None and state.state != PROMOTED:
            Timer(SPARE_S, worker.close).start()

    def _read(self) -> State | None:
        try:
            return State(**json.loads(self._file.read_text(encoding="utf8")))
        except (OSError, ValueError, TypeError):
            return None

    def _follow(self) -> None:
        """Do as another replica did that shares the state folder."""
        while not self._over.wait(FOLLOW_S):
            found = self._read()
            if found is not None and found != self._state:
                with suppress(OSError):
                    self._become(found)

    def close(self, seconds: float) -> None:
        """Answer what waits, then end."""
        self._over.set()
        if self._worker is not None:
            self._worker.close()
            self._worker.join(seconds)
