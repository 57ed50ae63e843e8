"""Latency tab: the distribution of single calls, and throughput over batch sizes."""

from __future__ import annotations

import streamlit as st

from core.views import CandidateView
from pages import format as fmt
from pages.figures import Sample, distribution_figure, palette
from pages.widgets.chart import CONFIG
from pages.widgets.page import dark
from pages.widgets.side_by_side import throughput_chart


def latency(view: CandidateView) -> None:
    """Draw the latency distribution and throughput by batch size."""
    left, right = st.columns(2, gap="large")
    with left:
        _distribution(view)
    with right:
        _throughput(view)


def _distribution(view: CandidateView) -> None:
    row, result = view.row, view.row.candidate.result
    if result is None:
        return
    st.subheader("Latency distribution", anchor=False)
    found = result.timing.latency
    unit, scale = fmt.time_unit(found.p50)
    known = {"median": found.p50, "p95": found.p95}
    marks = {name: value * scale for name, value in known.items() if value is not None}
    times = tuple(each * scale for each in result.timing.samples_ms)
    own = [Sample(row.name, times, row.candidate.position == 0)]
    figure = distribution_figure(own, marks, palette(dark()), unit=unit)
    st.plotly_chart(figure, theme=None, config=CONFIG, key="calls", alt="Latency distribution")


def _throughput(view: CandidateView) -> None:
    row, result = view.row, view.row.candidate.result
    if result is None:
        return
    st.subheader("Throughput", anchor=False)
    if not result.timing.throughput:
        st.caption("Not measured: the time of the run was not enough.")
    throughput_chart([view.run.baseline, row] if row.candidate.position else [row], key="throughput")
