"""Traffic of a service: figures, latency and requests by time, and arms side by side."""

from __future__ import annotations

import streamlit as st

from core.domain.watching import Arm, Watched
from pages import format as fmt
from pages.figures import latency_over_time, palette, requests_over_time
from pages.widgets.page import dark
from pages.widgets.plot import plot

STAGES = {"validate": "check", "queue": "wait", "inference": "model", "encode": "answer"}


def traffic(found: Watched) -> None:
    """Draw requests, latency and errors."""
    seen = found.traffic
    with st.container(horizontal=True):
        st.metric("Requests/s", f"{seen.per_s:,.1f}", help=f"{seen.requests:,} in the last {_span(found)}.")
        st.metric("p50", fmt.ms(seen.p50_ms))
        st.metric("p95", fmt.ms(seen.p95_ms))
        st.metric("p99", fmt.ms(seen.p99_ms))
        st.metric("Failed", f"{seen.failed:,}", help="Answered with a status of 500 or more.")
        st.metric("Refused", f"{seen.refused:,}", help="Answered with a status of 400 to 499.")
    left, right = st.columns(2, gap="large")
    colors = palette(dark())
    with left:
        plot(latency_over_time(found.timeline, colors), key="latency", alt="Latency by time")
    with right:
        plot(requests_over_time(found.timeline, colors), key="requests", alt="Requests by time")
    told = ", ".join(f"{STAGES.get(name, name)} {fmt.ms(ms)}" for name, ms in seen.stages_ms.items())
    if told:
        st.caption(fmt.plain(f"Where the time of a request goes, median: {told}. Times are UTC."))


def arms(found: tuple[Arm, ...]) -> None:
    """Draw versions and arms of a test side by side."""
    st.dataframe(
        {
            "Version": [each.name for each in found],
            "Requests/s": [f"{each.traffic.per_s:,.1f}" for each in found],
            "p50": [fmt.ms(each.traffic.p50_ms) for each in found],
            "p95": [fmt.ms(each.traffic.p95_ms) for each in found],
            "Failed": [_failed(each) for each in found],
            "Confidence": [_share(each.confidence) for each in found],
            "Accuracy": [_accuracy(each) for each in found],
            "Drift": [_drift(each) for each in found],
        },
        hide_index=True,
        height="content",
        alt="Versions side by side",
    )


def _failed(arm: Arm) -> str:
    seen = arm.traffic
    return f"{seen.failed / seen.requests:.1%}" if seen.requests else fmt.NONE


def _share(value: float | None) -> str:
    return fmt.NONE if value is None else f"{value:.1%}"


def _accuracy(arm: Arm) -> str:
    seen = arm.accuracy
    return fmt.NONE if seen is None else f"{seen.value:.1%} ({seen.low:.1%}–{seen.high:.1%})"


def _drift(arm: Arm) -> str:
    if not arm.newest():
        return "not tested yet" if arm.reference_rows else "no reference"
    names = dict.fromkeys(each.name for window in arm.newest() for each in window.raised)
    return ", ".join(names) or "none"


def _span(found: Watched) -> str:
    return f"{found.seconds / 60:.0f} minutes" if found.seconds >= 120 else f"{found.seconds:.0f} seconds"
