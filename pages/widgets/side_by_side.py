"""Side-by-side comparison of two candidates, metric by metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.measurement import Interval
from core.domain.run import Result
from core.search.names import step_name
from core.views import Row, RunView, agreement_name, faster, quotient, truer
from pages import format as fmt
from pages.figures import Series, palette, throughput_figure
from pages.widgets.address import on_change
from pages.widgets.facts import accuracy_words
from pages.widgets.measures import memory_of, output_error, rate_of, size_of
from pages.widgets.page import dark


def _facts(row: Row) -> dict[str, str]:
    result = row.candidate.result
    if result is None:
        return {}
    timing, latency = result.timing, result.timing.latency
    quality = {}
    if row.accuracy is not None:
        quality[row.scale.label] = accuracy_words(row)
    if row.agreement is not None:
        quality[agreement_name([row])] = fmt.agreement(row.agreement)
    if (lost := output_error(row)) is not None:
        quality["Output error"] = fmt.error(lost)
    return {
        "Latency": fmt.milliseconds(row.latency_ms) + (" · unstable" if timing.unstable else ""),
        "p90": fmt.ms(latency.p90, "too few calls"),
        "p99": fmt.ms(latency.p99, "too few calls"),
        "Speed-up": fmt.times(row.speedup) if row.candidate.position else "1x",
        "Throughput": _rate(row),
        **quality,
        **_closeness(row, result),
        "File": fmt.size(row.size_bytes),
        "Memory": fmt.size(row.memory_bytes),
        "Cold start": fmt.ms(timing.load_ms),
    }


def _rate(row: Row) -> str:
    found = rate_of(row)
    return fmt.NONE if found is None else f"{fmt.significant(found.value)} samples/s"


def _differences(one: Row, other: Row) -> dict[str, str]:
    """Return by how much `one` differs from `other`, in the figures that have a difference."""
    found = {"Latency": _factor(faster(one, other), "faster", "slower")}
    mine, yours = rate_of(one), rate_of(other)
    if mine is not None and yours is not None and yours.value > 0:
        found["Throughput"] = _factor(quotient(mine, yours), "higher", "lower")
    if (change := truer(one, other)) is not None:
        step = one.scale.step
        found[one.scale.label] = (
            f"{_signed(change.value)} {step} ({_signed(change.low)}…{_signed(change.high)})"
        )
    for name, of, words in (
        ("File", size_of, ("smaller", "larger")),
        ("Memory", memory_of, ("less", "more")),
    ):
        mine, yours = of(one), of(other)
        if mine is not None and yours is not None and mine.value > 0:
            found[name] = _factor(quotient(yours, mine), *words)
    return found


def _signed(value: float) -> str:
    return fmt.signed(value) if abs(value) >= 0.05 else f"{value:+.2f}".replace("-", "−")


def _factor(found: Interval | None, more: str, less: str) -> str:
    """Return such as ``4.8x (4.6–5.0) faster``, or that there is no clear difference."""
    if found is None:
        return ""
    if found.low < 1 < found.high:
        return f"no clear difference: {fmt.times(found)}"
    if found.value == 1:
        return "the same"
    slower = found.value < 1
    much = Interval(1 / found.value, 1 / found.high, 1 / found.low) if slower else found
    # What is known, not estimated, has no interval to show.
    told = f"{fmt.significant(much.value)}x" if much.exact else fmt.times(much)
    return f"{told} {less if slower else more}"


def _closeness(row: Row, result: Result) -> dict[str, str]:
    name, value = fmt.closeness(result.fidelity)
    return {name: value if row.candidate.position else fmt.NONE}


def verdict(one: Row, other: Row) -> str:
    """Return which of two is faster, or that the measurement cannot tell."""
    ahead = faster(one, other)
    if ahead is None:
        return ""
    if ahead.holds(1):
        return f"**A tie in speed**: {fmt.plain(one.name)} and {fmt.plain(other.name)} cannot be told apart."
    fast, slow = (one, other) if ahead.value > 1 else (other, one)
    much = max(ahead.value, 1 / ahead.value)
    return f"**{fmt.plain(fast.name)}** is {much:.2f}x faster than {fmt.plain(slow.name)}."


def _table(one: Row, other: Row) -> None:
    left, right = _facts(one), _facts(other)
    names, differences = list(dict.fromkeys([*left, *right])), _differences(one, other)
    table = {
        "Metric": names,
        one.name: [left.get(name, fmt.NONE) for name in names],
        f"{other.name}{' ' if one.name == other.name else ''}": [right.get(name, fmt.NONE) for name in names],
        "Difference": [differences.get(name, "") for name in names],
    }
    st.table(table, border="horizontal", hide_index=True, alt=f"{one.name} and {other.name} side by side")


def _known_throughput(rows: Sequence[Row]) -> list[Series]:
    return [
        Series(row.name, row.candidate.result.timing.throughput, row.candidate.position == 0)
        for row in rows
        if row.candidate.result is not None and row.candidate.result.timing.throughput
    ]


def throughput_chart(candidates: Sequence[Row], *, key: str) -> None:
    """Draw samples per second over batch sizes of measured candidates."""
    series = _known_throughput(candidates)
    if series:
        rows, spec = throughput_figure(series, palette(dark()))
        alt = "Throughput by batch size"
        st.vega_lite_chart(pd.DataFrame(rows), spec, theme=None, key=key, alt=alt)


def compare_two(one: Row, other: Row, *, chart: bool = True) -> None:
    """Draw the verdict, every figure of both with its difference and, if wanted, recipes and throughput."""
    st.markdown(verdict(one, other))
    _table(one, other)
    if not chart:
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Recipes**")
        _recipes(one, other)
    with right:
        throughput_chart((one, other), key="throughput_pair")


def _recipes(one: Row, other: Row) -> None:
    """Draw both recipes step by step; what only one of them has is marked."""
    mine, yours = (_steps(row) for row in (one, other))
    for column, row, own, theirs in zip(
        st.columns(2), (one, other), (mine, yours), (yours, mine), strict=True
    ):
        with column:
            st.markdown(f":gray[{fmt.plain(row.name)}]")
            told = [
                fmt.plain(step) if step in theirs else f":blue-background[{fmt.plain(step)}]" for step in own
            ]
            st.markdown("\n".join(f"{at}. {step}" for at, step in enumerate(told, start=1)))


def _steps(row: Row) -> list[str]:
    """Return the steps of a recipe with what runs it last."""
    target = row.candidate.recipe.target
    place = f"{row.runtime}, {fmt.plural(target.threads, 'thread')}, batch {target.batch}"
    return [*map(step_name, row.candidate.recipe.steps), place]


def against(view: RunView, one: Row, wanted: str | None, *, place: Any = st, chart: bool = False) -> None:
    """Hold `one` against another measured candidate; the choice lives in the address.

    Args:
        view: The run.
        one: A measured candidate.
        wanted: Id of the one to compare with, where that was chosen.
        place: Where the choice is drawn.
        chart: Whether to draw the throughput of both.
    """
    others = {row.id: row for row in view.candidates if row.latency_ms is not None and row.id != one.id}
    if not others:
        return
    advised = (wanted, view.baseline.id, view.recommendation.candidate_id, next(iter(others)))
    start = next(key for key in advised if key in others)
    chosen = _choose(place, "Compared with", list(others.values()), start, view.run.id, "other")
    compare_two(one, others[chosen], chart=chart)


def side_by_side(view: RunView, selected: Row | None, other: str | None) -> None:
    """Hold the selected candidate, else the recommended one, against another."""
    measured = [row for row in view.candidates if row.latency_ms is not None]
    if len(measured) < 2:
        return
    advised = view.recommendation.candidate_id or view.recommendation.near_miss
    first = selected.id if selected in measured else advised or measured[-1].id
    left, right = st.columns(2, gap="large")
    chosen = _choose(left, "Candidate", measured, first, view.run.id, "selected")
    one = next(row for row in measured if row.id == chosen)
    against(view, one, other, place=right, chart=True)


def _choose(place: Any, label: str, rows: Sequence[Row], now: str, owner: str, setting: str) -> str:
    """Draw a choice of rows, with `now` chosen; return the id."""
    names = {row.id: row.name for row in rows}
    # Another key for another value: what is chosen elsewhere on the page must show here, too.
    key = f"{setting}_{owner}_{now}"
    return str(
        place.selectbox(
            label,
            list(names),
            list(names).index(now),
            format_func=names.__getitem__,
            **on_change(owner, setting, key),
        )
    )
