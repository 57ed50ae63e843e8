"""Options of a service: features and packaging as switches with their consequence, numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import streamlit as st

from core.packagers.serving.options import Features, Packaging, ServiceParams
from core.views import Advice
from pages.widgets.params import params_form


def _switches(kind: type[Any], title: str, on: tuple[str, ...], key: str) -> dict[str, bool]:
    st.markdown(f"**{title}**")
    chosen = {}
    with st.grid(4, min_column_width=230):
        for spec in fields(kind):
            with st.container(gap=None):
                if st.checkbox(f"**{spec.metadata['label']}**", spec.name in on, key=f"{key}_{spec.name}"):
                    chosen[spec.name] = True
                st.caption(spec.metadata["help"])
    return chosen


def _second(others: Mapping[str, str], key: str) -> dict[str, str]:
    """Draw the choice of the candidate that gets canary or shadow traffic; return it where one is chosen."""
    picked = st.selectbox(
        "Second version",
        list(others),
        None,
        format_func=lambda id: others[id],
        placeholder="Added later",
        help="Another candidate of the run, for canary and shadow traffic.",
        key=f"{key}_second",
    )
    return {"second": picked} if picked else {}


def options(advice: Advice, others: Mapping[str, str], key: str) -> dict[str, Any]:
    """Draw the options, set to what is recommended; return those that are no default.

    Args:
        advice: What is recommended.
        others: Names of the run's other candidates by id.
        key: Of the fields.
    """
    chosen: dict[str, Any] = _switches(Features, "Features", advice.features, key)
    if chosen.keys() & {"canary", "shadow"}:
        chosen |= _second(others, key)
    chosen |= _switches(Packaging, "Runs on", advice.packaging, key)
    drawn = {each.name for kind in (Features, Packaging) for each in fields(kind)} | {"second"}
    with (
        st.expander("Limits and sizes", icon=":material/tune:"),
        st.grid(4, min_column_width=170),
    ):
        numbers = [each.name for each in fields(ServiceParams) if each.name not in drawn]
        chosen |= params_form(ServiceParams, key=f"{key}_number", only=numbers)
    return chosen
