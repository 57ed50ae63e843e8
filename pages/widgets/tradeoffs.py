"""Trade-offs: what other limits would buy, in words and as buttons that set them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.run import Limits
from core.views import RunView, Tradeoff, tradeoffs, what_if
from pages import format as fmt
from pages.widgets.limits import set_limit
from pages.widgets.page import store

MOST = 8


def _some(found: Sequence[Tradeoff], now: Sequence[Tradeoff]) -> list[Tradeoff]:
    """Return at most `MOST` of the steps, evenly from first to last, and the one that holds now."""
    stride = max(1.0, (len(found) - 1) / (MOST - 1))
    at = {round(number * stride) for number in range(min(len(found), MOST))}
    return [step for number, step in enumerate(found) if number in at or step in now]


def _in_words(view: RunView, limits: Limits) -> None:
    """Draw what a little more or less of each limit would change."""
    found = what_if(store(), view.run, limits, view.machine)
    if found:
        help = "Out of the measured candidates; in parentheses the 95 % interval."
        st.markdown("**What else there is**", help=help)
        st.markdown("\n".join(f"- {fmt.plain(each.sentence)}" for each in found))


def price_list(view: RunView, limits: Limits) -> None:
    """Draw the steps at which a larger drop buys a clearly better candidate; a click sets the limit.

    Args:
        view: The run under `limits`.
        limits: As they are now.
    """
    _in_words(view, limits)
    found = tradeoffs(store(), view.run, limits, view.machine)
    if len(found) < 2 or (view.quality == "accuracy" and view.scale.unit != "%"):
        return
    unit = "% error" if view.quality == "signal" else "points"
    help = "The least loss from which on a clearly better candidate is recommended. Ties are left out."
    st.markdown("**What a larger loss buys**", help=help)
    now = [step for step in found if limits.max_drop is None or step.max_drop <= limits.max_drop][-1:]
    with st.container(gap="xsmall"):
        for step in _some(found, now):
            much = fmt.significant(step.gain.value, 2)
            mark = " :orange[:material/check:]" if step in now else ""
            st.button(
                f"{step.max_drop:.1f} {unit}: **{much}x** {fmt.plain(step.candidate.name)}{mark}",
                key=f"allow_{step.candidate.id}",
                type="tertiary",
                icon=":material/speed:",
                help="Set the limit to this.",
                on_click=set_limit,
                args=(view.run.id, "drop", step.max_drop),
            )
