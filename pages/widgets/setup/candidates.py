"""What to try: a preset or techniques by hand, runtimes, and the search strategy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.domain.model import DataSet
from core.domain.recipe import Recipe
from core.errors import WhetstoneError
from core.registry import runtimes
from core.search.spelling import parse, spell
from core.views import ModelView
from pages.widgets.address import on_change, put
from pages.widgets.by_hand import by_hand
from pages.widgets.presets import BY_HAND, PRESETS, SEARCH, preset_cards
from pages.widgets.strategy import strategy_choice

SEPARATOR = ";"
"""Between the recipes of an address."""


@dataclass(frozen=True)
class Choice:
    """Chosen preset, recipes, runtimes and strategy."""

    preset: str
    recipes: tuple[Recipe, ...]
    runtimes: tuple[str, ...]
    strategy: str = ""
    strategy_params: dict[str, Any] = field(default_factory=dict)


def what_to_try(
    view: ModelView, data: DataSet | None, held: Mapping[str, str], owner: str, threads: int, batch: int
) -> Choice:
    """Draw the presets, the techniques by hand, the runtimes and the strategy; return what is chosen.

    Args:
        view: The model.
        data: What it is evaluated on; None for random inputs.
        held: What the address says, by name.
        owner: Whose set-up it is.
        threads: Of every runtime.
        batch: Samples per call.
    """
    st.subheader("What to try", anchor=False)
    preset = held.get("preset", "quick")
    preset = preset if preset in PRESETS else "quick"
    preset_cards(view.model, data, owner, preset, threads, batch)
    if preset == BY_HAND:
        recipes = by_hand(view, _parsed(held.get("recipes", "")), threads, batch)
        put(owner, "recipes", SEPARATOR.join(map(spell, recipes)) or None)
        return Choice("quick", recipes, (), *strategy_choice(held, owner))
    if preset == SEARCH:
        held, preset = {"strategy": SEARCH, **held}, "quick"
    return Choice(preset, (), _runtimes(view, held, owner), *strategy_choice(held, owner))


def _parsed(text: str) -> tuple[Recipe, ...]:
    """Return the recipes that an address spells; what is no recipe is passed over."""
    found = []
    for each in filter(None, text.split(SEPARATOR)):
        with suppress(WhetstoneError):
            found.append(parse(each))
    return tuple(found)


def _runtimes(view: ModelView, held: Mapping[str, str], owner: str) -> tuple[str, ...]:
    known = {key: runtimes()[key] for key in view.runtimes if runtimes()[key].available().ok}
    before = [key for key in held.get("runtimes", "").split(",") if key in known]
    usual = [key for key in known if not known[key].asked_for]
    st.pills(
        "Runtimes",
        list(known),
        selection_mode="multi",
        default=before or usual,
        format_func=lambda key: known[key].name,
        help="Those that can run this model, as it is or converted. The baseline is measured in any case.",
        **on_change(owner, "runtimes", f"{owner}_runtimes", lambda picked: ",".join(picked) or None),
    )
    picked = tuple(st.session_state[f"{owner}_runtimes"] or ())
    if not picked:
        st.caption(f"None is picked: {', '.join(known[key].name for key in usual)} are used.")
    return () if set(picked) == set(usual) else picked
