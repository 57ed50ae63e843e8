"""Preset choice: quick, balanced or thorough, each with its number of candidates and time."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.model import DataSet, SourceModel
from core.domain.run import RunRequest
from core.errors import WhetstoneError
from core.search import presets
from pages import format as fmt
from pages.widgets.address import number, put, settings
from pages.widgets.page import emphasis, store

BY_HAND = "by_hand"
SEARCH = "search"
"""The strategy of this id, from the preset ``quick`` on."""
SEARCH_S = 1200.0
"""The budget of a search for which none is chosen: its trainings take what there is."""
PRESETS = {
    **{key: (each.name, each.icon, each.summary) for key, each in presets.PRESETS.items()},
    SEARCH: (
        "Search",
        "manage_search",
        "The quick ones first, then whatever promises most, training included, within a time budget.",
    ),
    BY_HAND: ("By hand", "back_hand", "You tick techniques and runtimes, and set their parameters."),
}


@st.cache_data(ttl=60, show_spinner=False)
def planned(request: RunRequest) -> tuple[int, float, int]:
    """Return how many candidates `request` would try, the expected seconds, and how many may be added.

    Raises:
        WhetstoneError: It cannot be planned.
    """
    plan = engine.plan(store(), request)
    return plan.count, plan.estimate_s, plan.most_more


def preset_card(
    key: str, model: SourceModel, data: DataSet | None, owner: str, chosen: bool, threads: int, batch: int
) -> None:
    """Draw one preset: what it tries, how many candidates and how long, and the button that chooses it."""
    title, icon, text = PRESETS[key]
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f":material/{icon}: **{title}**" + (" :green[:material/check_circle:]" if chosen else ""))
        st.markdown(f":gray[{text}]")
        st.space("stretch")
        if key == BY_HAND:
            st.caption("You choose")
        else:
            try:
                preset, strategy = ("quick", SEARCH) if key == SEARCH else (key, "")
                about = (model.id, data.id if data else None, preset)
                request = RunRequest(*about, threads=threads, batch=batch, strategy=strategy)
                count, seconds, more = planned(request)
                added = f" and up to {more} more" if more else ""
                time = f"{SEARCH_S / 60:.0f} min at most" if more else fmt.roughly(seconds)
                st.caption(f"{fmt.plural(count, 'candidate')}{added}, {time}")
            except WhetstoneError as error:
                st.caption(fmt.plain(error.message))
        kind = emphasis(chosen)
        st.button(
            "Chosen" if chosen else "Choose",
            key=f"preset_{key}",
            type=kind,
            width="stretch",
            on_click=_choose,
            args=(owner, key),
        )


def _choose(owner: str, key: str) -> None:
    """Choose a preset; the search strategy goes with the card that is it, and has a budget to fill."""
    put(owner, "preset", key)
    if key == SEARCH and not number(settings(owner, ()).get("budget"), 1, 1e6):
        put(owner, "budget", f"{SEARCH_S:g}")
        st.session_state[f"{owner}_budget"] = fmt.duration(SEARCH_S)
    put(owner, "strategy", None)
    # Taken out of the session, the choice would stay in the browser as it was.
    st.session_state[f"{owner}_strategy"] = SEARCH if key == SEARCH else ""
