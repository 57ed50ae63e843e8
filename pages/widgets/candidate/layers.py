"""Layers tab: where the time of a call goes, in which precision, and how far that is from the roofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core import engine
from core.domain.profile import LayerKind
from core.engine.profiling import not_profilable
from core.insights.bounds import Bound
from core.views import CandidateView
from core.views.profile import LayerRow, ProfileView, find_profile
from core.work.stop import Stop
from core.work.unit import Progress
from pages import format as fmt
from pages.figures import palette
from pages.figures.layer_times import LayerBar, layer_times_figure
from pages.figures.roofline import RoofPoint, roofline_figure
from pages.widgets.background import going_on, start
from pages.widgets.page import dark, store
from pages.widgets.plot import plot

MOST_BARS, LEAST_SHARE = 15, 0.002
BOUND = {
    Bound.COMPUTE: "computing",
    Bound.MEMORY: "memory",
    Bound.NEITHER: "neither",
    Bound.UNKNOWN: "unknown",
}
KIND = {
    LayerKind.REORDER: "Memory layout",
    LayerKind.QUANTIZE: "Number format",
    LayerKind.OVERHEAD: "Overhead",
}


def layers(view: CandidateView) -> None:
    """Draw the profile of a candidate, or the button that makes one."""
    row, key = view.row, f"profile-{view.row.id}"
    if reason := not_profilable(row.candidate):
        st.info(fmt.plain(reason), icon=":material/block:")
        return
    if going_on(key):
        return
    found = find_profile(store(), row.candidate, view.run.baseline.candidate)
    if found is None:
        st.markdown(
            "The runtime can tell what each layer of this model takes, in which precision it really runs, "
            "and how far it is from what this machine can do."
        )
    first = found is None
    about: dict[str, Any] = {"icon": ":material/speed:", "type": "primary" if first else "tertiary"}
    if found is not None:
        _shown(found)
    help_ = "Runs the model and the baseline for some seconds each, apart from other measurements."
    if st.button("Profile the layers" if first else "Profile again", key="profile", help=help_, **about):
        _begin(view, key, again=not first)
        st.rerun()


def _begin(view: CandidateView, key: str, again: bool) -> None:
    held, mine, baseline = store(), view.row.candidate, view.run.baseline.candidate

    def work(hear: Callable[[Progress], None], stop: Stop) -> None:
        engine.profile(held, mine.id, hear, stop, again=again)
        if baseline.id != mine.id and not not_profilable(baseline):
            hear(Progress(message="profiling the baseline", share=0.6))
            engine.profile(held, baseline.id, stop=stop, again=again)

    start(key, work)


def _shown(found: ProfileView) -> None:
    profile = found.profile
    st.markdown(f"**{fmt.plain(found.verdict)}**")
    with st.grid(4, min_column_width=150):
        st.metric("A call", fmt.ms(profile.latency_ms), help="Median without the profiler, when profiled.")
        st.metric("In its layers", fmt.percent(100 * (1 - profile.overhead_share)))
        st.metric(
            "Layers",
            str(len(profile.layers)),
            help=f"As they ran: {fmt.plural(profile.fusions, 'node')} of the model ran within another.",
        )
        st.metric(
            "Changes of precision",
            str(profile.transitions),
            help="Places where a layer reads the output of one that computes in another precision.",
        )
    left, right = st.columns(2, gap="large")
    with left:
        _bars(found)
    with right:
        _roofline(found)
    _table(found)
    for note in found.notes:
        st.caption(fmt.plain(note))


def _bars(found: ProfileView) -> None:
    st.subheader("Where the time goes", anchor=False)
    rows = sorted(found.rows, key=lambda row: -row.layer.ms)
    unit, scale = fmt.time_unit(rows[0].layer.ms if rows else 1.0)
    bars = [
        LayerBar(
            row.layer.name,
            row.layer.ms * scale,
            KIND.get(row.layer.kind, row.layer.precision or "Unknown precision"),
            None if row.theirs_ms is None else row.theirs_ms * scale,
        )
        for row in rows[:MOST_BARS]
    ]
    rest = sum(row.layer.ms for row in rows[MOST_BARS:])
    if rest:
        bars.append(LayerBar(f"{len(rows) - MOST_BARS} other layers", rest * scale, "Several"))
    figure = layer_times_figure(bars, palette(dark()), unit=unit)
    plot(figure, key="layer_times", alt="Time of each layer")
    if found.baseline is not None:
        st.caption("Beside a bar: how many times faster than the same layer in the baseline.")


def _roofline(found: ProfileView) -> None:
    st.subheader("Roofline", anchor=False)
    roofs = found.profile.roofline
    if roofs is None:
        st.caption("The roofline of this machine was not measured.")
        return
    if roofs.disturbed:
        st.caption(
            ":orange[:material/warning: The machine was busy while its roofline was measured: roofs may "
            "lie too low, and shares of them come out too high. *Profile again* measures it anew.]"
        )
    points = [
        RoofPoint(
            row.layer.name,
            row.layer.intensity,
            row.layer.rate,
            row.layer.precision,
            row.layer.share,
            _told(row),
        )
        for row in found.rows
        if row.layer.intensity and row.layer.rate and row.layer.share >= LEAST_SHARE
    ]
    compute = {name: roof.value for name, roof in roofs.compute.items()}
    bandwidth = {name: roof.value for name, roof in roofs.bandwidth.items()}
    figure = roofline_figure(points, compute, bandwidth, palette(dark()), used=found.level)
    plot(figure, key="roofline", alt="Roofline of the layers")
    st.caption(
        f"Level lines: what {fmt.plural(roofs.threads, 'thread')} of this machine can compute. Slanted "
        f"lines: what its memory lets through; these layers read from {found.level or 'memory'}. A larger "
        "mark takes a larger share of a call."
    )


def _told(row: LayerRow) -> str:
    layer, share = row.layer, row.standing.share
    roof = "" if share is None else f"<br>{share:.0%} of its roof"
    return (
        f"{layer.name}<br>{layer.rate:,.0f} GMAC/s at {layer.intensity:,.1f} MACs per byte"
        f"<br>{layer.share:.1%} of a call{roof}"
    )


def _table(found: ProfileView) -> None:
    frame = pd.DataFrame([_row(row) for row in found.rows])
    number = st.column_config.NumberColumn
    most = max((row.layer.share for row in found.rows), default=1.0) or 1.0
    st.dataframe(
        frame,
        hide_index=True,
        height=min(560, 38 + 35 * len(frame)),
        column_config={
            "Layer": st.column_config.TextColumn("Layer", width="medium", pinned=True),
            "µs": number("Time (µs)", format="%.1f"),
            "share": st.column_config.ProgressColumn(
                "Share", format="percent", min_value=0.0, max_value=most
            ),
            "baseline": number(
                "Baseline (µs)",
                format="%.1f",
                help="The same layer of the baseline, with what follows it up to the next one that "
                "multiplies: runtimes fuse that into the layer.",
            ),
            "mmac": number("MACs (millions)", format="%.2f"),
            "rate": number("GMAC/s", format="%.1f"),
            "kb": number("Moved (KB)", format="%.1f", help="Read and written if each tensor moves once."),
            "gbs": number("GB/s", format="%.1f"),
            "roof": number("Of its roof", format="percent", help="Of what this machine allows it at most."),
            "parameters": number("Parameters", format="localized"),
        },
        key="layer_table",
        placeholder=fmt.NONE,
        alt="Layers with their times",
    )


def _row(row: LayerRow) -> dict[str, Any]:
    layer = row.layer
    return {
        "Layer": layer.name,
        "Operator": layer.operator,
        "Precision": layer.precision or fmt.NONE,
        "µs": 1000 * layer.ms,
        "share": layer.share,
        "baseline": None if row.theirs_ms is None else 1000 * row.theirs_ms,
        "mmac": layer.macs / 1e6 if layer.macs else None,
        "rate": layer.rate,
        "kb": layer.bytes / 1e3 if layer.bytes else None,
        "gbs": layer.bandwidth,
        "roof": row.standing.share,
        "Bound by": BOUND[row.standing.bound],
        "parameters": layer.parameters,
        "Kernel": layer.kernel or fmt.NONE,
        "Fused": ", ".join(layer.nodes),
    }
