"""Roofline of the machine: what it computes and moves at most, measured on the press of a button."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.roofline import Ceiling, Roofline
from core.views.profile import rooflines
from pages import format as fmt
from pages.figures import palette
from pages.figures.roofline import roofline_figure
from pages.widgets.background import going_on, start
from pages.widgets.page import dark, store
from pages.widgets.plot import plot

KEY = "machine-roofline"


def roofline_section(cores: int) -> None:
    """Draw the roofs that were measured, and the button that measures them."""
    st.subheader("Roofline", anchor=False)
    if going_on(KEY):
        return
    found = {roofs.threads: roofs for roofs in rooflines(store())}
    if found:
        _shown(found[_threads(found)] if len(found) > 1 else next(iter(found.values())))
    else:
        st.caption(
            "What this machine computes and reads from memory at most, measured by large products, "
            "convolutions and reads. It is measured by itself before the first profile of layers."
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        threads = st.number_input("Threads", 1, max(1, cores), 1, key="roofline_threads", width=130)
        label = "Measure again" if threads in found else "Measure the roofline"
        if st.button(label, icon=":material/speed:", key="roofline_measure", help="Takes about ten seconds."):
            _begin(int(threads))
            st.rerun()


def _threads(found: dict[int, Roofline]) -> int:
    chosen = st.segmented_control(
        "Threads of the roofline",
        list(found),
        default=min(found),
        format_func=lambda count: fmt.plural(count, "thread"),
        key="roofline_shown",
        label_visibility="collapsed",
    )
    return chosen or min(found)


def _begin(threads: int) -> None:
    held = store()

    start(KEY, lambda hear, stop: engine.roofline(held, threads, hear, stop, again=True))


def _shown(roofs: Roofline) -> None:
    compute = {name: roof.value for name, roof in roofs.compute.items()}
    bandwidth = {name: roof.value for name, roof in roofs.bandwidth.items()}
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = roofline_figure((), compute, bandwidth, palette(dark()), height=340)
        plot(figure, key="machine_roofs", alt="Roofline of the machine")
    with right:
        if roofs.disturbed:
            st.caption(
                ":orange[:material/warning: The machine was busy meanwhile: measure again when it is not.]"
            )
        st.dataframe(
            [_row(name, "GMAC/s", roof) for name, roof in roofs.compute.items()]
            + [_row(name, "GB/s", roof) for name, roof in roofs.bandwidth.items()],
            hide_index=True,
            height="content",
            alt="Roofs of the machine",
        )
        st.caption(
            f"Measured in {fmt.duration(roofs.seconds)}; the range is what nine of ten repeats reached to "
            "the most of all."
        )


def _row(name: str, unit: str, roof: Ceiling) -> dict[str, str]:
    return {
        "Roof": name,
        "At most": f"{fmt.significant(roof.value)} {unit}",
        "Range": f"{fmt.significant(roof.low)}–{fmt.significant(roof.high)}",
        "By": roof.how,
    }
