"""Events of a run, and the durations of build steps that they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """Kinds of events of a run."""

    STARTED = "started"
    PROPOSED = "proposed"
    BUILT = "built"
    CACHED = "cached"
    TRAINING = "training"
    MEASURED = "measured"
    REFUSED = "refused"
    SKIPPED = "skipped"
    BUILD_FAILED = "build_failed"
    MEASURE_FAILED = "measure_failed"
    UNMEASURED = "unmeasured"
    STRATEGY_FAILED = "strategy_failed"
    HEAT = "heat"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FINISHING = "finishing"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMED = "resumed"


@dataclass(frozen=True)
class Event:
    """Something that happened in a run, kept for the record; `core.views.log` says each in a sentence.

    Attributes:
        sequence: Position within the run, from 1.
        at: UNIX seconds.
        kind: What happened.
        candidate: Id of the candidate that it happened to, or empty.
        seconds: How long it took; None for what has no duration.
        data: Plain values, by kind: ``step`` (pass id) and ``giga_macs`` of what was built, ``steps`` of what
            was found built, ``speedup`` of what was measured, ``code``, ``message`` and ``stage`` of what
            failed, ``candidates`` and ``machine`` of the final heat, ``step``, ``done``, ``total`` and
            ``values`` of a training.
    """

    sequence: int
    at: float
    kind: EventKind
    candidate: str = ""
    seconds: float | None = None
    data: dict[str, Any] = field(default_factory=dict)


def training_now(events: Sequence[Event]) -> bool:
    """Whether a technique trains now, and nobody asked it to end, by the events of a run."""
    kinds = [each.kind for each in events if each.kind is not EventKind.PAUSING]
    return kinds[-1:] == [EventKind.TRAINING]


@dataclass(frozen=True)
class Build:
    """Duration of one build step.

    Attributes:
        pass_id: Which pass.
        giga_macs: 10^9 multiply-accumulates of a forward pass of the source model.
        seconds: By the clock, imports included.
    """

    pass_id: str
    giga_macs: float
    seconds: float
