"""Latency tab: single calls, what production adds to them, throughput, and settings to run it at."""

from __future__ import annotations

import streamlit as st

from core.bench.timing.statistics import runs_needed
from core.domain.measurement import Timing
from core.views import CandidateView
from pages import format as fmt
from pages.figures import Sample, beyond, distribution_figure, palette, series_figure
from pages.widgets.candidate.production import cost, production
from pages.widgets.candidate.settings import settings_sweep
from pages.widgets.page import dark
from pages.widgets.plot import plot
from pages.widgets.side_by_side import throughput_chart


def latency(view: CandidateView) -> None:
    """Draw how long a candidate takes, and at which setting it does most."""
    result = view.row.candidate.result
    if result is None:
        return
    left, right = st.columns(2, gap="large")
    with left:
        _distribution(view, result.timing)
    with right:
        _series(result.timing)
    production(view, result)
    left, right = st.columns([3, 2], gap="large")
    with left:
        settings_sweep(view)
    with right:
        _throughput(view, result.timing)
    cost(view, result.timing)


def _distribution(view: CandidateView, timing: Timing) -> None:
    st.subheader("Latency distribution", anchor=False)
    found = timing.latency
    unit, scale = fmt.time_unit(found.p50)
    known = {"median": found.p50, "p95": found.p95, "p99": found.p99}
    marks = {name: value * scale for name, value in known.items() if value is not None}
    times = tuple(each * scale for each in timing.samples_ms)
    own = [Sample(view.row.name, times, view.row.candidate.position == 0)]
    slow = beyond(own, marks)
    figure = distribution_figure(own, marks, palette(dark()), unit=unit)
    plot(figure, key="calls", alt="Latency distribution")
    told = [f"{found.runs:,} calls were timed, of which {len(times):,} are drawn."]
    if found.p99 is None:
        told.append(f"p99 is stated from {runs_needed(0.99):,} calls on.")
    if slow:
        told.append(f"{fmt.plural(slow, 'call')} took longer than the axis shows.")
    st.caption(" ".join(told))


def _series(timing: Timing) -> None:
    st.subheader("Calls in their order", anchor=False)
    unit, scale = fmt.time_unit(timing.latency.p50)
    times, lost = ([each * scale for each in side] for side in (timing.samples_ms, timing.samples_lost_ms))
    figure = series_figure(
        times, lost, timing.samples_starts, timing.latency.p50 * scale, palette(dark()), unit=unit
    )
    plot(figure, key="series", alt="The calls in their order")
    st.caption(_disturbed(timing))


def _disturbed(timing: Timing) -> str:
    starts = max(1, len(timing.samples_starts))
    processes = "one fresh process" if starts == 1 else f"{starts} fresh processes"
    if timing.disturbed is None or not timing.samples_lost_ms:
        return f"From {processes}; which calls were disturbed was not recorded."
    share = f"{100 * timing.disturbed:.1f} %"
    lines = ", divided by the lines" if starts > 1 else ""
    return (
        f"From {processes}{lines}. Other programs interrupted {share} of the calls: the median leaves out "
        "what they took, the tail does not."
    )


def _throughput(view: CandidateView, timing: Timing) -> None:
    row = view.row
    st.subheader("Throughput beside the baseline", anchor=False)
    if not timing.throughput:
        st.caption("Not measured: the time of the run was not enough.")
    throughput_chart([view.run.baseline, row] if row.candidate.position else [row], key="throughput")
