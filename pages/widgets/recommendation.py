"""Recommendation box: three figures with their change against the baseline, a sentence, and the download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.views import Row, RunView, agreement_name
from pages import format as fmt
from pages.widgets.downloader import download_kit
from pages.widgets.measures import output_error
from pages.widgets.page import go
from pages.widgets.status import UNSTABLE

CHANGE: dict[str, Any] = {"delta_color": "gray", "delta_arrow": "off"}
SURE = (
    "Sure: the whole interval of the loss is within your limit. Likely: only its middle is. Unstable speed: "
    "something disturbed the measurement, and the speed-up may be another on a quiet machine."
)


def _trust(view: RunView) -> str:
    """Return one badge on how far the recommendation can be trusted; an unstable speed is not sure."""
    chosen = view.find(view.recommendation.candidate_id)
    if chosen and chosen.candidate.result and chosen.candidate.result.timing.unstable:
        return UNSTABLE
    if view.recommendation.sure:
        return ":green-badge[:material/verified: Sure]"
    return ":orange-badge[:material/help: Likely]"


def _collapsed(view: RunView) -> None:
    """Say once that figures on these inputs mean little."""
    results = [row.candidate.result for row in view.candidates if row.candidate.position]
    found = next((each.fidelity.collapsed for each in results if each and each.fidelity.collapsed), "")
    if found:
        st.warning(fmt.plain(found), icon=":material/warning:")


def recommendation_box(view: RunView, *, key: str) -> None:
    """Draw what is recommended, how sure that is, and what would settle it; nothing while unknown."""
    _recommended(view, key)
    _collapsed(view)


def _recommended(view: RunView, key: str) -> None:
    found = view.recommendation
    if found.candidate_id is None:
        known = [row for row in view.candidates if row.latency_ms is not None]
        if len(known) < 2:
            return
        if found.sentence:
            st.info(fmt.plain(found.sentence), icon=":material/search_off:")
            _notes(found.notes)
        if found.near_miss and st.button(
            "See the nearest miss", key=f"near_{key}", icon=":material/near_me:"
        ):
            go("candidate.py", candidate=found.near_miss)
        return
    row = view.find(found.candidate_id)
    if row is None:
        return
    so_far = " so far" if view.run.status.active else ""
    with st.container(border=True, key=f"recommended_{key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xsmall", width="stretch"):
                label = f":orange[:material/star:] :gray[Recommended{so_far}] {_trust(view)}"
                st.markdown(label, help=SURE)
                st.markdown(f"#### {fmt.plain(row.name)}", anchors=False)
            download_kit(found.candidate_id, key=f"kit_{key}")
            if st.button("Details", icon=":material/info:", key=f"what_{key}"):
                go("candidate.py", candidate=found.candidate_id)
        headline(row, view)
        st.markdown(f":gray[{fmt.plain(found.short)}]")
        with st.expander("Why this one", icon=":material/help:", key=f"why_{key}"):
            st.markdown("\n".join(f"- {fmt.plain(each)}" for each in (found.sentence, *found.notes)))


def headline(row: Row, view: RunView) -> None:
    """Draw latency, quality and size of a candidate, each with its change against the baseline."""
    latency, quality, size = st.columns(3)
    base, (now, before) = view.baseline, (_median(row), _median(view.baseline))
    change = f"{fmt.times(row.speedup)} faster, baseline {fmt.ms(before, beside=now)}"
    latency.metric("Latency", fmt.ms(now), change, **CHANGE)
    quality.metric(*_quality(row, view), **CHANGE)
    shrunk = f"{fmt.relative(row.size_bytes, base.size_bytes)}, baseline {fmt.size(base.size_bytes)}"
    size.metric("File size", fmt.size(row.size_bytes), shrunk, **CHANGE)


def _median(row: Row) -> float | None:
    return row.latency_ms.value if row.latency_ms is not None else None


def _quality(row: Row, view: RunView) -> tuple[str, str, str]:
    """Return name, value and change of the figure that the limit on the drop is for."""
    if view.quality == "accuracy":
        result, scale = row.candidate.result, row.scale
        change = fmt.score_change(result.accuracy if result else None)
        before = fmt.score(view.baseline.accuracy, scale)
        return scale.label, fmt.score(row.accuracy, scale), f"{change}, baseline {before}"
    if view.quality == "agreement" and row.agreement is not None:
        top1 = row.agreement
        return (
            agreement_name([row]),
            fmt.percent(top1.value),
            f"{top1.low:.1f}–{top1.high:.1f}, baseline 100 %",
        )
    lost = output_error(row)
    if lost is None:
        return "Output error", fmt.NONE, ""
    low, high = fmt.loss(lost.low), fmt.loss(lost.high)
    spread = "" if low == high else f"{low}–{high} % "
    return "Output error", f"{fmt.loss(lost.value)} %", f"{spread}of the variance, baseline 0 %"


def _notes(notes: Sequence[str]) -> None:
    for note in notes:
        st.caption(fmt.plain(note))
