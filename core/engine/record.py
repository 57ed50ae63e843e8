"""Events and errors of a run, as they are kept."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from math import isfinite
from typing import Any

from core.domain.events import EventKind
from core.domain.run import PLANNING, Candidate
from core.errors import ErrorRecord, WhetstoneError
from core.passes.build import STEP, STEPS
from core.store.store import Store
from core.work.unit import Progress

CURVE_EVERY_S = 5.0


def over_budget(message: str) -> ErrorRecord:
    """Return the error of a candidate that the budget left no time for."""
    hint = "Give the run a larger budget, or choose fewer techniques."
    return ErrorRecord("over_budget", message, hint, "budget")


def error_record(error: Exception, stage: str) -> ErrorRecord:
    """Return what is kept of `error`; what is no error of ours is a fault of Whetstone."""
    if isinstance(error, WhetstoneError):
        return error.to_record(stage)
    detail = traceback.format_exception_only(error)[-1].strip()
    return ErrorRecord(
        "internal_error",
        f"Whetstone itself failed here: {detail}.",
        "Please report this with the technical detail; the other candidates go on.",
        stage,
        "".join(traceback.format_exception(error)),
    )


class Record:
    """The events of one run.

    Args:
        store: Where they are kept.
        run_id: Which run.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        self._events, self._run_id, self._curved = store.events, run_id, 0.0

    def has(self, kind: EventKind, machine: str = "") -> bool:
        """Whether an event of this kind is there; of one kind of machine."""
        events = self._events.since(self._run_id)
        return any(event.kind is kind and event.data.get("machine", "") == machine for event in events)

    def began(self, candidates: Sequence[Candidate]) -> None:
        """Add the start and, the first time, what the plan refused."""
        first = not self.has(EventKind.STARTED)
        self.add(EventKind.STARTED)
        for each in candidates:
            if first and each.error is not None and each.error.stage == PLANNING:
                self.add(EventKind.REFUSED, each, error=each.error)

    def add(
        self,
        kind: EventKind,
        candidate: Candidate | None = None,
        seconds: float | None = None,
        error: ErrorRecord | None = None,
        **data: Any,
    ) -> None:
        """Add an event; of an error its code, message and stage."""
        if error is not None:
            data |= {"code": error.code, "message": error.message, "stage": error.stage}
        self._events.append(self._run_id, kind, candidate.id if candidate else "", seconds, **data)

    def trained(self, candidate: Candidate, said: Progress) -> None:
        """Add a point of a training's curve where `said` holds one: one in a while, and the last."""
        figures = {name: value for name, value in said.figures.items() if isinstance(value, float | int)}
        done, total = figures.pop(STEP, None), figures.pop(STEPS, None)
        if done is None or (time.monotonic() - self._curved < CURVE_EVERY_S and done != total):
            return
        self._curved = time.monotonic()
        values = {name: value for name, value in figures.items() if isfinite(value)}
        step = candidate.stage
        self.add(EventKind.TRAINING, candidate, step=step, done=done, total=total, values=values)
