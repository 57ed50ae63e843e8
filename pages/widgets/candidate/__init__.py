"""Candidate page, tab by tab: one file each, and only the tab that is open is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from core.views import CandidateView
from pages.widgets.address import on_change
from pages.widgets.candidate.accuracy import accuracy
from pages.widgets.candidate.latency import latency
from pages.widgets.candidate.layers import layers
from pages.widgets.candidate.overview import overview
from pages.widgets.candidate.recipe import recipe


@dataclass(frozen=True)
class Tab:
    """One tab.

    Attributes:
        label: At its head.
        draw: Draws it.
        measured: Whether it has something to show of measured candidates only.
    """

    label: str
    draw: Callable[[CandidateView], None]
    measured: bool = True


TABS: Mapping[str, Tab] = {
    "overview": Tab("Overview", overview, measured=False),
    "latency": Tab("Latency", latency),
    "layers": Tab("Layers", layers),
    "accuracy": Tab("Accuracy", accuracy),
    "recipe": Tab("Recipe and files", recipe, measured=False),
}
"""By what the address calls them, from left to right."""


def tabs(view: CandidateView, chosen: str | None) -> None:
    """Draw the tabs of a candidate, the one that the address chose open.

    Args:
        view: The candidate.
        chosen: Key of `TABS`; the first where it is none.
    """
    measured = view.row.candidate.result is not None
    shown = {name: tab for name, tab in TABS.items() if measured or not tab.measured}
    names = {tab.label: name for name, tab in shown.items()}
    first = shown[chosen] if chosen in shown else shown["overview"]
    about = on_change(view.run.run.id, "tab", f"{view.row.id}_tab", names.get)
    for tab, box in zip(shown.values(), st.tabs(list(names), default=first.label, **about), strict=True):
        if box.open:
            with box:
                tab.draw(view)
