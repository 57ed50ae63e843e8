"""Graph tab: the graph itself, its layers grouped by module, with parameters, MACs or time as colour."""

from __future__ import annotations

import streamlit as st

from core.views import ModelView, drawing, graph_view
from pages.routes.assets import VENDOR
from pages.widgets.component import component, route
from pages.widgets.model.layers import structure_here, times_of

LIBRARY = next(VENDOR.glob("dagre-*.js")).name
"""Lays graphs out; its licence lies beside it."""
_component = component("graph")


def graph(view: ModelView) -> None:
    """Draw the graph; modules open and close in the browser."""
    found = structure_here(view.model)
    if found is None:
        return
    st.caption(
        "Click a module to open or close it, or move with the arrow keys and press Enter. Drag to pan, hold "
        "Ctrl and turn the wheel to zoom. The stronger the colour, the more of the chosen figure."
    )
    data = drawing(graph_view(found), times_of(view.model, found))
    _component(key="graph", data={"id": view.model.id, "library": route(f"assets/{LIBRARY}"), **data})
    if found.left_out:
        st.caption(f"{found.left_out:,} more layers are not drawn.")
