"""Event log of a run: each event in a sentence, with its time and its duration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from core.domain.events import Event, EventKind
from core.search.names import pass_name
from core.views.run import RunView


@dataclass(frozen=True)
class LogLine:
    """One event.

    Attributes:
        sequence: Position within the run, from 1.
        at: UNIX seconds.
        after_s: Seconds since the run was created.
        text: What happened, in a sentence.
        seconds: How long it took; None for what has no duration.
        kind: What kind of event it is.
    """

    sequence: int
    at: float
    after_s: float
    text: str
    seconds: float | None
    kind: EventKind


def event_log(view: RunView) -> tuple[LogLine, ...]:
    """Return what happened in a run, in order."""
    shown = view.each
    names = {row.id: row.name for row in shown[0].candidates}
    if len(shown) > 1:
        names = {row.id: f"{row.name} on {each.machine}" for each in shown for row in each.candidates}
    baselines = {each.baseline.id for each in shown}
    return tuple(
        LogLine(
            each.sequence,
            each.at,
            max(0.0, each.at - view.run.created),
            sentence(each, names, baselines),
            each.seconds,
            each.kind,
        )
        for each in view.events
    )


def sentence(event: Event, names: Mapping[str, str], baselines: Collection[str] = ()) -> str:
    """Return `event` in a sentence.

    Args:
        event: What happened.
        names: Of the candidates by id.
        baselines: Ids of those that the others are held against.
    """
    text = _FIXED.get(event.kind) or _TOLD[event.kind](event, names)
    if event.kind is EventKind.MEASURED and event.candidate in baselines:
        text = "measured, the baseline that all others are held against."
    name = names.get(event.candidate)
    return f"{name}: {text}" if name else text[:1].upper() + text[1:]


def _steps(event: Event, _: Mapping[str, str]) -> str:
    return f"{', '.join(map(pass_name, event.data.get('steps', ())))} found, built before."


def _failed(what: str) -> Callable[[Event, Mapping[str, str]], str]:
    def said(event: Event, _: Mapping[str, str]) -> str:
        message = event.data.get("message", event.data.get("code", ""))
        return f"{what}. {message}".strip()

    return said


def _build_failed(event: Event, names: Mapping[str, str]) -> str:
    stage = pass_name(event.data.get("stage", ""))
    return _failed(f"building failed{f' in {stage}' if stage else ''}")(event, names)


def _measured(event: Event, _: Mapping[str, str]) -> str:
    speedup = event.data.get("speedup")
    return "measured." if speedup is None else f"measured, {speedup:.2f}x the speed of your model."


def _trained(event: Event, _: Mapping[str, str]) -> str:
    data = event.data
    values = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in data["values"].items())
    steps = f"{data['done']:,.0f} of {data['total'] or 0:,.0f} steps"
    return f"{pass_name(data['step'])} trained {steps}, {values}."


def _heat(event: Event, names: Mapping[str, str]) -> str:
    others = [names[each] for each in event.data.get("candidates", ())[1:] if each in names]
    return f"final heat of your model and {', '.join(others) or 'the best candidates'}."


_FIXED = {
    EventKind.STARTED: "the worker began.",
    EventKind.PROPOSED: "proposed by the search strategy.",
    EventKind.DONE: "the run is done.",
    EventKind.FAILED: "the run failed.",
    EventKind.CANCELLED: "the run was cancelled.",
    EventKind.INTERRUPTED: "the worker stopped before the end.",
    EventKind.FINISHING: "the training was asked to end with its best weights.",
    EventKind.PAUSING: "the run was asked to pause after this step.",
    EventKind.PAUSED: "the run was paused.",
    EventKind.RESUMED: "the run was resumed.",
}
_TOLD: dict[EventKind, Callable[[Event, Mapping[str, str]], str]] = {
    EventKind.BUILT: lambda event, _: f"{pass_name(event.data['step'])} built.",
    EventKind.CACHED: _steps,
    EventKind.TRAINING: _trained,
    EventKind.MEASURED: _measured,
    EventKind.REFUSED: _failed("refused"),
    EventKind.SKIPPED: _failed("skipped"),
    EventKind.BUILD_FAILED: _build_failed,
    EventKind.MEASURE_FAILED: _failed("measuring failed"),
    EventKind.UNMEASURED: _failed("not measured here"),
    EventKind.STRATEGY_FAILED: _failed("the search strategy proposes nothing more"),
    EventKind.HEAT: _heat,
}
