"""Error layer by layer on demand: behind which layers a candidate's values part from those in float."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core import engine
from core.domain.layer_errors import LayerErrors
from core.engine.comparing_layers import not_comparable
from core.registry import passes
from core.views import CandidateView
from pages import format as fmt
from pages.figures import palette
from pages.figures.layer_errors import LayerPoint, layer_errors_figure
from pages.widgets.background import going_on, start
from pages.widgets.page import dark, store
from pages.widgets.table import height_of


def layer_errors(view: CandidateView) -> None:
    """Draw the errors that were measured, or the button that measures them, or why neither is possible."""
    candidate, key = view.row.candidate, f"layer-errors-{view.row.id}"
    if candidate.position == 0:
        return
    st.subheader("Error layer by layer", anchor=False)
    found = engine.stored_layer_errors(store(), candidate.id)
    reason = not_comparable(store(), candidate)
    if found is not None:
        _shown(found)
    elif reason:
        st.caption(fmt.plain(reason))
    else:
        st.markdown(
            "Where does the error come from? The candidate and the same network in float run side by side "
            "on some samples, and the values behind every layer are compared."
        )
    if reason or going_on(key):
        return
    again = found is not None
    about: dict[str, Any] = {"icon": ":material/troubleshoot:", "type": "tertiary" if again else "secondary"}
    if st.button("Compare again" if again else "Compare the layers", key="layer_errors", **about):
        start(key, partial(engine.layer_errors, store(), candidate.id, again=again))
        st.rerun()


def _shown(found: LayerErrors) -> None:
    whole = sum(each.grown for each in found.layers) or 1.0
    points = [
        LayerPoint(
            each.name, each.operator, each.percent, 100 * each.before**0.5, each.grown / whole,
            fmt.decibel(each.sqnr_db) if each.sqnr_db is not None else "the same",
        )
        for each in found.layers
    ]  # fmt: skip
    if not points:
        st.caption("No values could be compared.")
        return
    rows, spec = layer_errors_figure(points, palette(dark()))
    alt = "Error behind each layer"
    st.vega_lite_chart(pd.DataFrame(rows), spec, theme=None, key="layer_errors_chart", alt=alt)
    technique = passes().get(found.step)
    before = "in float" if technique is None else f"before {technique.name}"
    inputs = "random inputs" if found.random else fmt.plural(found.rows, "sample")
    verb = "has" if found.alone == 1 else "have"
    alone = f" {fmt.plural(found.alone, 'value')} of it {verb} no counterpart." if found.alone else ""
    st.caption(
        f"Against the network {before}, on {inputs}. A layer's error is that of its output; it grows where "
        f"the layer adds to what its inputs carry. A larger mark adds a larger part of all growth.{alone}"
    )
    with st.expander(f"All layers ({len(points)})", icon=":material/table_rows:"):
        _table(points)


def _table(points: list[LayerPoint]) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        {
            "Layer": [each.name for each in points],
            "Operator": [each.operator for each in points],
            "Error behind it": [each.percent for each in points],
            "In front of it": [each.before for each in points],
            "Of all growth": [each.share for each in points],
            "SQNR": [each.told for each in points],
        },
        hide_index=True,
        height=height_of(len(points)),
        column_config={
            "Error behind it": number(format="%.3g %%"),
            "In front of it": number(format="%.3g %%"),
            "Of all growth": st.column_config.ProgressColumn(
                format="percent", min_value=0.0, max_value=max(each.share for each in points) or 1.0
            ),
        },
        alt="Error behind each layer",
    )
