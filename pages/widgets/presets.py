"""Preset choice as cards: what each tries, how many candidates and how long, and what it may cost."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.model import DataSet, SourceModel
from core.domain.run import RunRequest
from core.errors import WhetstoneError
from core.search import presets
from pages import format as fmt
from pages.widgets.address import number, on_change, put, settings
from pages.widgets.component import STATIC
from pages.widgets.page import store

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


def preset_cards(
    model: SourceModel, data: DataSet | None, owner: str, chosen: str, threads: int, batch: int
) -> None:
    """Draw the presets as cards, one of which is chosen; another is put into the settings of `owner`."""
    st.html(STATIC / "cards.css")
    with st.container(key="cards"):
        st.radio(
            "Preset",
            list(PRESETS),
            list(PRESETS).index(chosen),
            format_func=lambda key: f":material/{PRESETS[key][1]}: **{PRESETS[key][0]}**",
            captions=[_told(key, model, data, threads, batch) for key in PRESETS],
            label_visibility="collapsed",
            horizontal=True,
            width="stretch",
            **on_change(owner, "preset", f"{owner}_preset", lambda key: _choose(owner, key)),
        )


def _told(key: str, model: SourceModel, data: DataSet | None, threads: int, batch: int) -> str:
    """Return what a preset tries, and what that takes."""
    text = PRESETS[key][2]
    if key == BY_HAND:
        return f"{text}  \n**As many as you tick**"
    try:
        preset, strategy = ("quick", SEARCH) if key == SEARCH else (key, "")
        about = (model.id, data.id if data else None, preset)
        request = RunRequest(*about, threads=threads, batch=batch, strategy=strategy)
        count, seconds, more = planned(request)
    except WhetstoneError as error:
        return f"{text}  \n{fmt.plain(error.message)}"
    added = f" and up to {more} more" if more else ""
    time = f"{SEARCH_S / 60:.0f} min at most" if more else fmt.roughly(seconds)
    time = time.replace(" ", "\N{NO-BREAK SPACE}")
    return f"{text}  \n**{fmt.plural(count, 'candidate')}{added}, {time}**"


def _choose(owner: str, key: str) -> str:
    """Choose a preset; the search strategy goes with the card that is it, and has a budget to fill."""
    if key == SEARCH and not number(settings(owner, ()).get("budget"), 1, 1e6):
        put(owner, "budget", f"{SEARCH_S:g}")
        st.session_state[f"{owner}_budget"] = fmt.duration(SEARCH_S)
    put(owner, "strategy", None)
    # Taken out of the session, the choice would stay in the browser as it was.
    st.session_state[f"{owner}_strategy"] = SEARCH if key == SEARCH else ""
    return key
