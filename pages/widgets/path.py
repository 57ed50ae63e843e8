"""The way of a run: when each candidate was measured, and what the time has bought so far."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.domain.run import Objective
from core.views import RunView, path
from pages import format as fmt
from pages.figures import Visit, palette, path_figure
from pages.widgets.page import dark

GAINS = {
    Objective.LATENCY: "Speed-up (x)",
    Objective.THROUGHPUT: "Throughput by the baseline's (x)",
    Objective.SIZE: "Times smaller (x)",
    Objective.MEMORY: "Times less memory (x)",
}
MINUTE, LONG_S = 60.0, 180.0


def run_path(view: RunView, *, height: int = 300) -> None:
    """Draw every measured candidate over time with the best so far as a line; nothing before there is one."""
    found = path(view)
    if not found:
        return
    end, budget = max(view.progress.elapsed_s, found[-1].after_s), view.run.request.budget_s
    unit, scale = ("min", 1 / MINUTE) if max(end, budget or 0.0) > LONG_S else ("s", 1.0)
    visits = [
        Visit(each.row.name, each.after_s * scale, each.gain.value, each.within, each.best) for each in found
    ]
    rows, spec = path_figure(
        visits,
        end * scale,
        budget and budget * scale,
        (f"Time ({unit})", GAINS[view.run.request.objective]),
        palette(dark()),
        height=height,
    )
    best = visits[-1].best
    until = next((each.after_s for each in found if each.best == best), 0.0)
    said = f"{best:.2f}x, after {fmt.duration(until)}" if best > 1 else "nothing better than your model"
    st.markdown(f"**What the time bought{' so far' if view.run.status.active else ''}**: {said}")
    st.vega_lite_chart(pd.DataFrame(rows), spec, theme=None, key="run_path", alt="Best so far over time")
