"""Errors of predicted numbers: histogram and R² beside the baseline's."""

from __future__ import annotations

import streamlit as st

from core.domain.accuracy_detail import Errors
from pages import format as fmt
from pages.figures import errors_figure, palette
from pages.widgets.page import dark
from pages.widgets.plot import plot


def errors(found: Errors, name: str) -> None:
    """Draw the errors of a candidate."""
    st.subheader("Errors", anchor=False)
    left, right = st.columns([2, 1], gap="large")
    with left:
        figure = errors_figure(found.edges, found.counts, found.base_counts, name, palette(dark()))
        plot(figure, key="errors", alt="Histogram of the errors")
        st.caption("Errors beyond the ends of the axis are counted in the outermost bars.")
    with right:
        if found.r2 is not None and found.base_r2 is not None:
            change = f"{found.r2 - found.base_r2:+.2g}"
            st.metric(
                "R²", f"{found.r2:.4f}", change, help="Share of the targets' variance that is explained."
            )
        st.metric(
            "RMSE",
            fmt.significant(found.rmse, 4),
            f"{found.rmse - found.base_rmse:+.2g}",
            delta_color="inverse",
            help="Root of the mean squared error, in the unit of the targets.",
        )
