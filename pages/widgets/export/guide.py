"""Format guide: for each place to deploy the recommended format, why, its figures here, what it needs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.export import Scenario
from core.views.format_guide import Answer
from pages import format as fmt

ICONS = {
    Scenario.PROTOTYPE: "science",
    Scenario.CPP_SERVER: "dns",
    Scenario.CROSS_FRAMEWORK: "swap_horiz",
    Scenario.NVIDIA_GPU: "developer_board",
    Scenario.IOS: "phone_iphone",
    Scenario.ANDROID: "phone_android",
    Scenario.EMBEDDED_ARM: "memory",
    Scenario.BROWSER: "language",
}


def guide(answers: Sequence[Answer]) -> None:
    """Draw the answer for every scenario."""
    st.subheader("Which format for where", anchor=False)
    st.caption("For this model, by what is known of the formats and by what was measured here.")
    with st.grid(2, min_column_width=420):
        for each in answers:
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.markdown(
                    f":material/{ICONS[each.scenario]}: {each.scenario.label}: **{fmt.plain(each.name)}**"
                )
                st.markdown(fmt.plain(each.why))
                st.caption(f":material/speed: Here: {fmt.plain(each.measured)}")
                st.caption(f":material/inventory_2: There: {fmt.plain(each.needs)}")
