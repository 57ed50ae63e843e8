"""Model page, tab by tab: one file each, and only the tab that is open is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from core.views import ModelView
from pages.widgets.address import on_change
from pages.widgets.dataset import data_section
from pages.widgets.model.graph import graph
from pages.widgets.model.layers import layers
from pages.widgets.model.signature import signature
from pages.widgets.model.techniques import techniques

TABS: Mapping[str, tuple[str, Callable[[ModelView], object]]] = {
    "data": ("Data", lambda view: data_section(view.model)),
    "techniques": ("What can be done", techniques),
    "layers": ("Layers", layers),
    "graph": ("Graph", graph),
    "signature": ("Inputs, outputs and task", signature),
}
"""Label and contents by what the address calls them, from left to right."""


def tabs(view: ModelView, chosen: str | None) -> None:
    """Draw the tabs of a model, the one that the address chose open, the first where it chose none."""
    names = {label: key for key, (label, _) in TABS.items()}
    first = TABS[chosen or ""] if chosen in TABS else TABS["data"]
    about = on_change(owner(view), "tab", f"{view.model.id}_tab", names.get)
    boxes = st.tabs(list(names), default=first[0], **about)
    for (_, draw), box in zip(TABS.values(), boxes, strict=True):
        if box.open:
            with box:
                draw(view)


def owner(view: ModelView) -> str:
    """Return to whom the settings of the page belong."""
    return f"model_{view.model.id}"
