"""Training curves of a run: loss and quality on the search rows, of each candidate that was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core import engine
from core.views import Curve, RunView, training_curves
from pages import format as fmt
from pages.figures import curve_figure, palette
from pages.widgets.page import dark, errors_as_words, store

PERCENT = 100.0
LOSSES = {"loss": "training rows", "search_loss": "search rows"}
QUALITIES = {"search_accuracy": "accuracy", "search_agreement": "agreement with your model"}


def training_charts(view: RunView) -> None:
    """Draw the newest training open, those before it collapsed; nothing where none is."""
    curves = training_curves(view)
    for at, curve in enumerate(reversed(curves)):
        title = f"{curve.technique}: {curve.name}, {curve.done:,.0f} of {curve.total:,.0f} steps"
        opened = at == 0 and view.run.status.active
        with st.expander(fmt.plain(title), expanded=opened, icon=":material/model_training:"):
            if opened and view.trains:
                _finish_button(view.run.id)
            _curve(curve, f"{curve.candidate_id}_{curve.step}")


def _finish_button(run_id: str) -> None:
    # A callback comes before the page may draw itself anew, since the run moved: that forgets clicks.
    st.button(
        "Finish training now",
        icon=":material/done_all:",
        help="Keeps the best weights so far, and goes on with what comes after: conversion and measurement.",
        key="finish_training",
        on_click=_finish,
        args=(run_id,),
    )


def _finish(run_id: str) -> None:
    with errors_as_words():
        engine.finish_training(store(), run_id)


def _curve(curve: Curve, key: str) -> None:
    left, right = st.columns(2)
    with left:
        _chart(curve.points, LOSSES, "Loss", curve.total, f"loss_{key}")
    shares = [
        (step, {name: PERCENT * values[name] for name in QUALITIES if name in values})
        for step, values in curve.points
    ]
    if any(values for _, values in shares):
        with right:
            _chart(shares, QUALITIES, "On the search rows (%)", curve.total, f"quality_{key}")


def _chart(
    points: Sequence[tuple[float, Mapping[str, float]]],
    names: Mapping[str, str],
    title: str,
    steps: float,
    key: str,
) -> None:
    rows, spec = curve_figure(points, names, title, steps, palette(dark()))
    if rows:
        st.vega_lite_chart(pd.DataFrame(rows), spec, theme=None, key=key, alt=f"{title} over the steps")
