"""Event log of a run: what was built, measured, refused and failed, when and how long it took."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.events import EventKind
from core.views import LogLine, RunView, event_log
from pages import format as fmt

SHORT = 6
"""A log of so many lines is shown at once."""
ICONS = {
    EventKind.BUILT: "construction",
    EventKind.CACHED: "inventory_2",
    EventKind.TRAINING: "model_training",
    EventKind.MEASURED: "timer",
    EventKind.PROPOSED: "lightbulb",
    EventKind.HEAT: "sports_score",
    EventKind.REFUSED: "block",
    EventKind.SKIPPED: "block",
    EventKind.BUILD_FAILED: "error",
    EventKind.MEASURE_FAILED: "error",
    EventKind.UNMEASURED: "deployed_code",
    EventKind.STRATEGY_FAILED: "error",
    EventKind.FAILED: "error",
}
OTHER = "flag"


def log_of(view: RunView) -> None:
    """Draw the log of a run, newest first; long ones are collapsed."""
    lines = _told(event_log(view))
    if not lines:
        return
    title = f"Log ({fmt.plural(len(lines), 'event')})"
    with st.expander(title, expanded=len(lines) <= SHORT, icon=":material/list_alt:", key="event_log"):
        rows = [
            f"| {_time(line.after_s)} | :material/{ICONS.get(line.kind, OTHER)}: {_text(line.text)} "
            f"| {_time(line.seconds)} |"
            for line in reversed(lines)
        ]
        st.markdown("\n".join(["| After | What happened | Took |", "|---:|:---|---:|", *rows]))


def _told(lines: Sequence[LogLine]) -> list[LogLine]:
    """Return `lines` with the last figures of a training only: its curves show those before."""
    then = [*(line.kind for line in lines[1:]), None]
    return [
        line
        for line, kind in zip(lines, then, strict=False)
        if line.kind is not EventKind.TRAINING or kind is not EventKind.TRAINING
    ]


def _text(text: str) -> str:
    return fmt.plain(text).replace("|", "\\|")


def _time(seconds: float | None) -> str:
    """Return a duration that no narrow column breaks; empty where there is none."""
    return "" if seconds is None else fmt.duration(seconds).replace(" ", "\N{NO-BREAK SPACE}")
