"""Speed-up attribution: where a candidate's speed comes from."""

from __future__ import annotations

import streamlit as st

from core.domain.measurement import Interval
from core.views import Origin, Row, RunView, origins
from pages import format as fmt
from pages.figures import Stage, origins_figure, palette
from pages.widgets.measures import time_scale
from pages.widgets.page import dark
from pages.widgets.plot import plot


def _factor(factor: Interval) -> str:
    if factor.low <= 1 <= factor.high:
        return "no clear difference"
    if factor.value < 1:
        slower = Interval(1 / factor.value, 1 / factor.high, 1 / factor.low)
        return f"{fmt.times(slower)} slower"
    return f"{fmt.times(factor)} faster"


def _stage(found: Origin, scale: float) -> Stage:
    latency = found.row.latency_ms.value if found.row.latency_ms else 0.0
    return Stage(found.what, latency * scale, f"{fmt.ms(latency)}: {_factor(found.factor)}")


def where_from(row: Row, run: RunView) -> None:
    """Draw how runtime and techniques share in the speed-up; nothing where the run cannot tell them apart."""
    found = origins(row, run.candidates)
    base = run.baseline.latency_ms
    if not found or base is None:
        return
    st.subheader("Where the speed-up comes from", anchor=False)
    unit, scale = time_scale([run.baseline, *(each.row for each in found)])
    stages = [Stage("Baseline (your model)", base.value * scale, fmt.ms(base.value))]
    stages += [_stage(each, scale) for each in found]
    said = "; ".join(f"{stage.label}: {stage.note}" for stage in stages)
    figure = origins_figure(stages, palette(dark()), unit)
    alt = f"Where the speed-up comes from. {said}"
    plot(figure, key="origins", alt=alt)
    st.caption("Each bar is a measured candidate of this run; its factor is against the bar above.")
