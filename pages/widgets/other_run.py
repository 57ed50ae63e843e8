"""Run against run: what both measured, side by side, with a warning where they cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.views import Pair, RunSummary, RunView, common, quotient, run_view, runs, unlike
from pages import format as fmt
from pages.widgets.address import on_change
from pages.widgets.measures import quality_of, quality_title, time_scale
from pages.widgets.page import store


def other_run(view: RunView, wanted: str | None) -> None:
    """Draw the choice of another run and what both measured; the choice lives in the address."""
    others = _others(view)
    if not others:
        st.info("There is no other run to compare with yet.", icon=":material/history:")
        return
    names = {each.id: f"{each.name} · {each.model_name} · {fmt.ago(each.created)}" for each in others}
    start = wanted if wanted in names else others[0].id
    owner = view.run.id
    chosen = st.selectbox(
        "Other run", list(names), list(names).index(start), format_func=names.__getitem__,
        **on_change(owner, "against", f"{owner}_against"),
    )  # fmt: skip
    other = run_view(store(), str(chosen))
    for reason in unlike(view, other):
        st.warning(fmt.plain(reason), icon=":material/warning:")
    _recommended(view, other)
    pairs = common(view, other)
    if len(pairs) < 2:
        st.caption(
            "They have no candidate in common beside the baseline."
            if pairs
            else "They have nothing in common."
        )
    if pairs:
        _table(view, pairs)


def _others(view: RunView) -> list[RunSummary]:
    """Return the other runs that measured something, those of the same model first."""
    found = [each for each in runs(store()) if each.id != view.run.id and each.done]
    return sorted(found, key=lambda each: each.model_name != view.model.name)


def _recommended(view: RunView, other: RunView) -> None:
    lines = []
    for name, each in (("This run", view), ("Other run", other)):
        best = each.find(each.recommendation.candidate_id)
        found = (
            f"{fmt.times(best.speedup)} by {best.name}" if best is not None else "nothing within its limits"
        )
        lines.append(f"- {name}: **{fmt.plain(each.run.name)}** recommends {fmt.plain(found)}")
    st.markdown("\n".join(lines))


def _table(view: RunView, pairs: Sequence[Pair]) -> None:
    unit, scale = time_scale([pair.one for pair in pairs])
    rows = []
    for pair in pairs:
        here, there = pair.one.latency_ms, pair.other.latency_ms
        if here is None or there is None:
            continue
        ratio = quotient(there, here)
        mine, yours = quality_of(pair.one, view.quality), quality_of(pair.other, view.quality)
        rows.append(
            {
                "name": pair.one.name,
                "here": here.value * scale,
                "there": there.value * scale,
                "ratio": ratio.value,
                "ratio_ci": f"{ratio.low:.2f}–{ratio.high:.2f}",
                "speedup_here": pair.one.speedup.value if pair.one.speedup else None,
                "speedup_there": pair.other.speedup.value if pair.other.speedup else None,
                "quality_here": mine and mine.value,
                "quality_there": yours and yours.value,
            }
        )
    number, quality = st.column_config.NumberColumn, quality_title(view.candidates, view.quality)
    st.dataframe(
        rows,
        hide_index=True,
        placeholder=fmt.NONE,
        key="other_run",
        alt="Candidates that both runs measured",
        column_config={
            "name": st.column_config.TextColumn("Candidate", width=320),
            "here": number(f"This run ({unit})", format="%.3f"),
            "there": number(f"Other run ({unit})", format="%.3f"),
            "ratio": number(
                "Other ÷ this", format="%.2f", help="Above 1: this run's figure is the faster one."
            ),
            "ratio_ci": st.column_config.TextColumn("95 %", width=96),
            "speedup_here": number("Speed-up, this (x)", format="%.2f"),
            "speedup_there": number("Speed-up, other (x)", format="%.2f"),
            "quality_here": number(f"{quality}, this", format="%.1f"),
            "quality_there": number(f"{quality}, other", format="%.1f"),
        },
    )
