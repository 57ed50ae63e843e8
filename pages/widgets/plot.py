"""Plotly charts with their downloads: the picture as SVG and PNG, and what it shows as CSV."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.widgets.chart_image import chart_image

CONFIG = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False, "responsive": True}


def plot(figure: Any, *, key: str, alt: str) -> None:
    """Draw `figure` and below it the buttons that take it home.

    Args:
        figure: Of plotly.
        key: Of the chart; its files are called so.
        alt: What it shows, for those who do not see it.
    """
    with st.container(gap="xsmall"):
        st.plotly_chart(figure, theme=None, config=CONFIG, key=key, alt=alt)
        chart_image(key, name=key.replace("_", "-"), table=True)
