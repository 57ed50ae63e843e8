"""Calibration of a candidate: reliability diagram and expected calibration error."""

from __future__ import annotations

import streamlit as st

from core.domain.accuracy_detail import Reliability
from pages.figures import Calibration, palette, reliability_figure
from pages.widgets.page import dark
from pages.widgets.plot import plot


def calibration(name: str, found: Reliability, baseline: Reliability | None) -> None:
    """Draw how far the confidence of answers can be trusted, beside the baseline's."""
    st.subheader("Calibration", anchor=False)
    models = [Calibration(name, found.confidence, found.accuracy, found.counts, baseline is None)]
    if baseline is not None:
        theirs = (baseline.confidence, baseline.accuracy, baseline.counts)
        models.insert(0, Calibration("baseline", *theirs, baseline=True))
    figure = reliability_figure(models, palette(dark()))
    left, right = st.columns([2, 1], gap="large")
    with left:
        plot(figure, key="reliability", alt="Reliability diagram")
    with right:
        change = f"{found.ece - baseline.ece:+.1f} points" if baseline else None
        st.metric("Calibration error (ECE)", f"{found.ece:.2f} %", change, delta_color="inverse")
        st.caption(
            "By how much the confidence of the answers differs from the share of them that is right, over 15 "
            "bins of equal width, weighted by their samples. Points below the diagonal are too sure, those "
            "above not sure enough."
        )
