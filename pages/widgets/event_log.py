"""Event log of a run: what was built, measured, refused and failed, when and how long it took."""

from __future__ import annotations

import streamlit as st

from core.domain.events import EventKind
from core.views import RunView, event_log
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
    lines = event_log(view)
    if not lines:
        return
    title = f"Log ({fmt.plural(len(lines), 'event')})"
    with st.expander(title, expanded=len(lines) <= SHORT, icon=":material/list_alt:", key="event_log"):
        rows = [
            f"| {fmt.duration(line.after_s)} | :material/{ICONS.get(line.kind, OTHER)}: {_text(line.text)} "
            f"| {'' if line.seconds is None else fmt.duration(line.seconds)} |"
            for line in reversed(lines)
        ]
        st.markdown("\n".join(["| After | What happened | Took |", "|---:|:---|---:|", *rows]))


def _text(text: str) -> str:
    return fmt.plain(text).replace("|", "\\|")
