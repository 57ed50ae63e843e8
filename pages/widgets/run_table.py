"""Table of runs: one dense, sortable line for each, with a thumbnail of its front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from core.views import Highlights, RunSummary
from pages import format as fmt
from pages.figures import palette, thumbnail
from pages.widgets.page import dark
from pages.widgets.status import RUN

ROW, MOST_ROWS = 44, 14
OPENED = "run_opened"
UNKNOWN = Highlights()


def frame(runs: Sequence[RunSummary], found: Mapping[str, Highlights]) -> pd.DataFrame:
    """Return the runs as plain columns."""
    colors, rows = palette(dark()), []
    for run in runs:
        seen = found.get(run.id, UNKNOWN)
        rows.append(
            {
                "name": run.name,
                "front": thumbnail(seen.dots, colors),
                "state": RUN[run.status][0],
                "created": datetime.fromtimestamp(run.created, UTC),
                "speedup": seen.speedup,
                "accuracy": seen.accuracy,
                "size": None if seen.size_bytes is None else seen.size_bytes / 1e6,
                "best": seen.best or None,
                "model": run.model_name,
                "data": run.data_name or None,
                "candidates": f"{run.done} of {run.total}",
                "tags": list(run.tags),
                "notes": run.notes or None,
            }
        )
    return pd.DataFrame(rows)


def _columns(on_open: Callable[[], None]) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "name": st.column_config.ButtonColumn(
            "Run", width=282, type="tertiary", alignment="left", on_click=on_open, key=OPENED,
            help="A click opens it.",
        ),
        "front": st.column_config.ImageColumn(
            "Front", width=110, help="Latency to the right, loss downwards: the line is the Pareto front."
        ),
        "state": text("State", width=82),
        "speedup": number("Best speed-up", format="%.2fx", width=104, help="Of what the run recommends."),
        "accuracy": number("Accuracy", format="%.4g", width=80, help="Of the same, by the run's metric."),
        "size": number("File (MB)", format="%.2f", width=80),
        "best": text("Recommended", width=210),
        "model": text("Model", width=124),
        "data": text("Data", width=110),
        "candidates": text("Candidates", width=92, alignment="right"),
        "created": st.column_config.DatetimeColumn("When", format="distance", width=118),
        "tags": st.column_config.ListColumn("Tags", width=120),
        "notes": text("Notes", width=200),
    }  # fmt: skip


def run_table(
    runs: Sequence[RunSummary], found: Mapping[str, Highlights], *, on_open: Callable[[str], None], key: str
) -> list[RunSummary]:
    """Draw the table; return the runs that are ticked.

    Args:
        runs: From top to bottom.
        found: What is known of them, by id.
        on_open: Told the id of a run whose name was clicked.
        key: Of the widget.
    """

    def opened() -> None:
        click: Any = st.session_state.get(OPENED)
        if click is not None and 0 <= click["row"] < len(runs):
            on_open(runs[click["row"]].id)

    state: Any = st.dataframe(
        frame(runs, found),
        hide_index=True,
        column_config=_columns(opened),
        row_height=ROW,
        height=ROW * min(len(runs), MOST_ROWS) + 40,
        placeholder=fmt.NONE,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        alt="Runs with state, speed-up, accuracy, size and data",
    )
    return [runs[at] for at in state.selection.rows if at < len(runs)]
