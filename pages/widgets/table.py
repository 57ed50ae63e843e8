"""Candidate table: every row, measured or not, with units in every header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.measurement import Interval
from core.domain.quality import Scale
from core.views import Quality, Row, RunView, agreement_name
from pages import format as fmt
from pages.figures import LEGEND
from pages.widgets.measures import fastest_ms, measures, output_error, rate_of, size_scale, time_scale
from pages.widgets.points import placed
from pages.widgets.status import CANDIDATE

ROW, MOST_ROWS = 35, 20
COLUMNS: dict[Quality, list[str]] = {
    "accuracy": ["accuracy", "change"],
    "agreement": ["agreement"],
    "signal": ["error", "sqnr"],
}


def _value(interval: Interval | None, scale: float = 1.0) -> float | None:
    return None if interval is None else interval.value * scale


def _rate(row: Row) -> float | None:
    """Return the samples per second without decimals that say nothing."""
    found = rate_of(row)
    return None if found is None else float(f"{found.value:.4g}")


def _spread(interval: Interval | None, scale: float) -> str:
    if interval is None:
        return ""
    return f"{fmt.significant(interval.low * scale)}–{fmt.significant(interval.high * scale)}"


def _marks(view: RunView, recommended: str | None) -> dict[str, str]:
    """Return a word for each row: the chart's for what is measured, else where it stands."""
    chart = placed(view, measures(view, view.limits))
    words = {row.id: standing(row, view.run.status.active) for row in view.candidates}
    words |= {key: "Baseline" if role == "baseline" else LEGEND[role] for key, role in chart.items()}
    return words | ({recommended: "★ Recommended"} if recommended else {})


def standing(row: Row, active: bool) -> str:
    """Return in a word where a row stands that has no figures."""
    return CANDIDATE[row.candidate.status] if active or row.candidate.status.final else "Not reached"


def frame(
    view: RunView,
    recommended: str | None,
    scale: float = 1.0,
    size_scale: float = 1.0,
    rows: Sequence[Row] | None = None,
) -> pd.DataFrame:
    """Return the rows as plain columns.

    Latencies are in milliseconds times `scale`, files in megabytes times `size_scale`, memory in megabytes.

    Args:
        view: The run.
        recommended: Id of the candidate to mark.
        scale: Of latencies.
        size_scale: Of files.
        rows: Those to return; by default all.
    """
    marks = _marks(view, recommended)
    return pd.DataFrame(
        [
            {
                "state": marks[row.id],
                "name": row.name,
                "latency": _value(row.latency_ms, scale),
                "latency_ci": _spread(row.latency_ms, scale),
                "speedup": _value(row.speedup) if row.candidate.position else None,
                "throughput": _rate(row),
                "accuracy": row.accuracy,
                "change": None if row.change is None else row.change.value,
                "agreement": _value(row.agreement),
                "error": _value(output_error(row)),
                "sqnr": row.sqnr_db,
                "size": None if row.size_bytes is None else row.size_bytes / 1e6 * size_scale,
                "memory": None if row.memory_bytes is None else row.memory_bytes / 1e6,
            }
            for row in (view.candidates if rows is None else rows)
        ]
    )


def _digits(rows: Sequence[Row], scale: Scale) -> int:
    """Return the decimals of a metric's column: one of a share, else four digits of the largest value."""
    largest = max((abs(row.accuracy) for row in rows if row.accuracy is not None), default=0.0)
    return 1 if scale.unit == "%" or not largest else max(0, min(6, 3 - floor(log10(largest))))


def _columns(
    fastest: float, unit: str, scale: Scale, digits: int, size_unit: str, agreement: str
) -> dict[str, Any]:
    number, share = st.column_config.NumberColumn, scale.unit == "%"
    return {
        "state": st.column_config.TextColumn(
            "State",
            width=118,
            help="Dominated: another candidate is both faster and at least as good.",
        ),
        # The only column without a width: it is as wide as its names, and takes the room that is left.
        "name": st.column_config.TextColumn("Candidate"),
        "latency": number(
            f"Latency ({unit})",
            width=92,
            format="%.3f" if fastest < 1 else "%.2f",
            help="Median time of one call.",
        ),
        "latency_ci": st.column_config.TextColumn(
            f"95 % ({unit})", width=94, alignment="right", help="95 % confidence interval of the median."
        ),
        "speedup": number(
            "Speed-up", width=78, format="%.2fx", help="Against the baseline, in interleaved rounds."
        ),
        "throughput": number(
            "Rate (1/s)",
            width=84,
            format="localized",
            help="The most samples per second over the batch sizes measured.",
        ),
        "accuracy": number(scale.title, width=94, format=f"%.{digits}f"),
        "change": number(
            "Change (pts)" if share else f"Change ({scale.unit})" if scale.unit else "Change",
            width=94,
            format=f"%+.{digits}f",
            help=f"{scale.label} against the baseline's{', in percentage points' if share else ''}.",
        ),
        "agreement": number(
            f"{agreement} (%)", width=132, format="%.1f", help="With the baseline; needs no labels."
        ),
        "error": number(
            "Error (%)",
            width=80,
            format="%.2f",
            help="Power of the worst output's error in percent of its variance; the limit is for this.",
        ),
        "sqnr": number(
            "SQNR (dB)",
            width=84,
            format="%.1f",
            help="The whole power of the worst output by that of its error, a constant part of it included.",
        ),
        "size": number(f"File ({size_unit})", width=74, format="%.2f" if size_unit == "MB" else "%.1f"),
        "memory": number("Memory (MB)", width=98, format="%.0f", help="Peak above the empty runtime."),
    }


def candidates_table(
    view: RunView,
    *,
    recommended: str | None,
    selected: str | None = None,
    on_pick: Callable[[str | None], None] | None = None,
    rows: Sequence[Row] | None = None,
    key: str = "candidates",
) -> None:
    """Draw the table; picking a row calls `on_pick` with its id, taking that back with None."""
    everyone, rows = view.candidates, view.candidates if rows is None else rows
    (unit, scale), (size_unit, size) = time_scale(everyone), size_scale(everyone)
    fastest = fastest_ms(everyone)
    rated = any(rate_of(row) is not None for row in everyone)
    order = ["name", "state", "latency", "latency_ci", "speedup", *(["throughput"] if rated else [])]
    order += COLUMNS[view.quality]
    order += ["size", "memory"]

    def picked() -> None:
        chosen = st.session_state[key].selection.rows
        if on_pick is not None:
            on_pick(rows[chosen[0]].id if chosen else None)

    options: dict[str, Any] = {}
    if on_pick is not None:
        # The page owns the selection: what was clicked in a chart is ticked here, too.
        at = [index for index, row in enumerate(rows) if row.id == selected]
        st.session_state[key] = {"selection": {"rows": at, "columns": [], "cells": []}}
        options = {"on_select": picked, "selection_mode": "single-row"}
    st.dataframe(
        frame(view, recommended, scale, size, rows),
        hide_index=True,
        column_order=order,
        column_config=_columns(
            fastest * scale,
            unit,
            view.scale,
            _digits(everyone, view.scale),
            size_unit,
            agreement_name(view.candidates),
        ),
        key=key,
        height=height_of(len(rows)),
        placeholder="–",
        alt="Candidates with latency, speed-up, accuracy, size and memory",
        **options,
    )


def height_of(rows: int) -> int:
    """Return the pixels of a table that shows all its rows, or of one that scrolls where they are many."""
    return ROW * (min(rows, MOST_ROWS) + 1) + 3
