"""Parallel coordinates of a run's candidates over everything they can be compared by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from core.views import Row, RunView
from pages import format as fmt
from pages.figures import PICK, Line, Role, by_group, by_role, palette, parallel_figure
from pages.widgets.chart import Shown, clicked
from pages.widgets.measures import Measure
from pages.widgets.page import dark
from pages.widgets.points import points_of


def parallel(
    view: RunView,
    rows: Sequence[Row],
    known: Mapping[str, Measure],
    roles: Mapping[str, Role],
    *,
    shown: Shown,
    selected: str | None,
    on_click: Callable[[str], None],
) -> None:
    """Draw one line for each of `rows`; a click on a point calls `on_click` with its id."""
    colors, first = palette(dark()), known["latency"]
    measured = [row for row in rows if row.latency_ms is not None]
    points = points_of(measured, first, first, view.quality, shown.group, hover=False)
    main = colors.quality(view.quality == "accuracy")
    looks = (
        by_group(points, colors)
        if shown.group
        else by_role({p.id: roles[p.id] for p in points}, colors, main)
    )
    lines = []
    for row in measured:
        values = {each.short: found.value for each in known.values() if (found := each.of(row)) is not None}
        texts = {title: fmt.significant(value) for title, value in values.items()}
        lines.append(Line(row.id, row.name, values, texts, looks[row.id]))
    data, spec = parallel_figure(
        lines,
        {each.short: each.higher for each in known.values()},
        colors,
        selected=selected,
        recommended=view.recommendation.candidate_id,
    )
    key = "parallel"
    st.vega_lite_chart(
        pd.DataFrame(data), spec, theme=None, key=key, selection_mode=PICK,
        alt=f"Every figure of {len(lines)} candidates as a line",
        on_select=lambda: clicked(key, on_click),
    )  # fmt: skip
    st.caption(
        "One line for each candidate; up is better on every axis. The recommended and the selected are bold."
    )
