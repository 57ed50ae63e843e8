"""Options of a service: features and packaging as switches with their consequence, numbers behind them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import streamlit as st

from core.packagers.serving.options import Features, Packaging, ServiceParams
from core.views import Advice
from pages.widgets.params import params_form


def _switches(kind: type[Any], title: str, on: tuple[str, ...], key: str) -> dict[str, bool]:
    st.markdown(f"**{title}**")
    chosen = {}
    for spec in fields(kind):
        with st.container(gap=None):
            if st.checkbox(f"**{spec.metadata['label']}**", spec.name in on, key=f"{key}_{spec.name}"):
                chosen[spec.name] = True
            st.caption(spec.metadata["help"])
    return chosen


def options(advice: Advice, key: str) -> dict[str, Any]:
    """Draw the options, set to what is recommended; return those that are no default."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen: dict[str, Any] = _switches(Features, "Features", advice.features, key)
    with right:
        chosen |= _switches(Packaging, "Runs on", advice.packaging, key)
    switches = {each.name for kind in (Features, Packaging) for each in fields(kind)}
    with (
        st.expander("Limits and sizes", icon=":material/tune:"),
        st.grid(4, min_column_width=170),
    ):
        numbers = [each.name for each in fields(ServiceParams) if each.name not in switches]
        chosen |= params_form(ServiceParams, key=f"{key}_number", only=numbers)
    return chosen
