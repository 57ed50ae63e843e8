"""Search strategy choice: the listed candidates only, or more while results come in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from core.errors import WhetstoneError
from core.registry import strategies
from core.search.spelling import parse_strategy, spell_strategy
from pages.widgets.address import on_change, put
from pages.widgets.params import params_form

LISTED = "Only what is listed"


def strategy_choice(held: Mapping[str, str], owner: str) -> tuple[str, dict[str, Any]]:
    """Draw the strategies that add candidates while a run goes on; return the chosen one and its parameters.

    Empty is the list of the preset, or that chosen by hand.
    """
    adding = {key: each for key, each in strategies().items() if each.most(each.Params())}
    chosen = ""
    params: dict[str, Any] = {}
    with suppress(WhetstoneError):
        chosen, params = parse_strategy(held.get("strategy", ""))
    chosen = chosen if chosen in adding else ""
    with st.expander("Advanced", icon=":material/tune:", expanded=bool(chosen)):
        left, right = st.columns(2, vertical_alignment="bottom")
        key = f"{owner}_strategy"
        left.selectbox(
            "Search strategy",
            ["", *adding],
            ["", *adding].index(chosen),
            format_func=lambda id: adding[id].name if id else LISTED,
            help="Whether more candidates are tried, depending on what was measured.",
            **on_change(owner, "strategy", key, lambda id: id or None),
        )
        if not chosen:
            return "", {}
        with right:
            params = params_form(adding[chosen].Params, key=f"{key}_{chosen}", start=params)
        st.caption(adding[chosen].summary)
    put(owner, "strategy", spell_strategy(chosen, params))
    return chosen, params
