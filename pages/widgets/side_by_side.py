"""Two candidates held against each other, figure by figure."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.measurement import Interval
from core.figures import Series, palette, throughput_figure
from core.views import Row, RunView
from pages.widgets import format as fmt
from pages.widgets.chart import CONFIG
from pages.widgets.page import dark


def _facts(row: Row) -> dict[str, str]:
    result = row.candidate.result
    if result is None:
        return {}
    timing, latency = result.timing, result.timing.latency
    quality = {}
    if row.accuracy is not None:
        change = f", {fmt.change(row.drop)}" if row.candidate.position else ""
        quality["Accuracy"] = f"{fmt.percent(row.accuracy)}{change}"
    return {
        "Latency": fmt.milliseconds(row.latency_ms) + (" · unstable" if timing.unstable else ""),
        "Slowest 1 in 10": fmt.ms(latency.p90, "too few calls"),
        "Slowest 1 in 100": fmt.ms(latency.p99, "too few calls"),
        "Speed-up": fmt.times(row.speedup) if row.candidate.position else "1x",
        **quality,
        "Same answer as your model": fmt.agreement(row.agreement),
        "Signal to noise": fmt.decibel(row.sqnr_db) if row.candidate.position else fmt.NONE,
        "File": fmt.size(row.size_bytes),
        "Memory": fmt.size(row.memory_bytes),
        "First load": fmt.ms(timing.load_ms),
    }


def _speed(row: Row) -> Interval | None:
    """Return the speed-up; the baseline is the measure of all, whatever its own control said."""
    return row.speedup if row.candidate.position else Interval(1.0, 1.0, 1.0)


def verdict(one: Row, other: Row) -> str:
    """Return which of two is faster, or that the measurement cannot tell."""
    mine, yours = _speed(one), _speed(other)
    if mine is None or yours is None:
        return ""
    if mine.overlaps(yours):
        return (
            f"**A tie in speed**: the intervals of {fmt.plain(one.name)} and {fmt.plain(other.name)} overlap."
        )
    ratio = mine.value / yours.value
    fast, slow = (one, other) if ratio > 1 else (other, one)
    return f"**{fmt.plain(fast.name)}** is {max(ratio, 1 / ratio):.2f}x faster than {fmt.plain(slow.name)}."


def _table(one: Row, other: Row) -> None:
    left, right = _facts(one), _facts(other)
    names = list(dict.fromkeys([*left, *right]))
    table = {
        "Figure": names,
        one.name: [left.get(name, fmt.NONE) for name in names],
        f"{other.name}{' ' if one.name == other.name else ''}": [right.get(name, fmt.NONE) for name in names],
    }
    st.table(table, border="horizontal", hide_index=True, alt=f"{one.name} and {other.name} side by side")


def throughput_chart(rows: Sequence[Row], *, key: str) -> None:
    """Draw samples per second over batch sizes of measured candidates."""
    series = [
        Series(row.name, row.candidate.result.timing.throughput, row.candidate.position == 0)
        for row in rows
        if row.candidate.result is not None and row.candidate.result.timing.throughput
    ]
    if series:
        figure = throughput_figure(series, palette(dark()))
        st.plotly_chart(figure, theme=None, config=CONFIG, key=key, alt="Throughput by batch size")


def compare_two(one: Row, other: Row, *, chart: bool = True) -> None:
    """Draw the verdict, both columns of figures and, if wanted, throughput over batch sizes."""
    st.markdown(verdict(one, other))
    if not chart:
        _table(one, other)
        return
    left, right = st.columns(2, gap="large")
    with left:
        _table(one, other)
    with right:
        throughput_chart((one, other), key="throughput_pair")


def side_by_side(view: RunView, selected: Row | None) -> None:
    """Draw the choice of two measured candidates and hold them against each other."""
    measured = [row for row in view.candidates if row.latency_ms is not None]
    if len(measured) < 2:
        return
    st.subheader("Side by side", anchor=False)
    names = {row.id: row.name for row in measured}
    ids, name = list(names), names.__getitem__
    first = selected.id if selected and selected.id in names else view.recommendation.candidate_id
    first = first or view.recommendation.near_miss
    start = ids.index(first) if first in names else len(ids) - 1
    left, right = st.columns(2)
    a = left.selectbox("Candidate A", ids, start, format_func=name, key=f"a_{view.run.id}_{first}")
    b = right.selectbox("Candidate B", ids, 0, format_func=name, key=f"b_{view.run.id}")
    one, other = view.find(a), view.find(b)
    if one is None or other is None or one.id == other.id:
        st.caption("Choose two different candidates.")
        return
    compare_two(one, other)
