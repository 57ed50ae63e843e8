"""What another limit would buy, one button a step."""

from __future__ import annotations

import streamlit as st

from core.domain.run import Limits
from core.views import RunView, tradeoffs
from pages.widgets import format as fmt
from pages.widgets.limits import set_drop
from pages.widgets.page import store


def price_list(view: RunView, limits: Limits) -> None:
    """Draw the steps at which a larger drop buys a clearly faster candidate; a click sets the limit.

    Args:
        view: The run under `limits`.
        limits: As they are now.
    """
    found = tradeoffs(store(), view.run, limits)
    if len(found) < 2:
        return
    unit = "% error" if view.quality == "signal" else "points"
    help = "The least loss from which on a clearly faster candidate is recommended. Ties are left out."
    st.markdown("**What a larger loss buys**", help=help)
    now = [step for step in found if limits.max_drop is None or step.max_drop <= limits.max_drop][-1:]
    with st.container(gap="xsmall"):
        for step in found:
            if step.candidate.result is None:
                continue
            speed = fmt.significant(step.candidate.result.timing.speedup.value, 2)
            mark = " :orange[:material/check:]" if step in now else ""
            st.button(
                f"{step.max_drop:.1f} {unit}: **{speed}x** {fmt.plain(step.candidate.name)}{mark}",
                key=f"allow_{step.candidate.id}",
                type="tertiary",
                icon=":material/speed:",
                help="Set the limit to this.",
                on_click=set_drop,
                args=(view.run.id, step.max_drop),
            )
