"""Predictions of a version against the evaluation data: classes, drift by feature, accuracy."""

from __future__ import annotations

import streamlit as st

from core.domain.watching import Arm, Feature, Watched, Window
from pages import format as fmt
from pages.figures import classes_figure, drift_figure, palette
from pages.widgets.page import dark
from pages.widgets.plot import plot

FIRST_WINDOW = 250
LEAST_P = 1e-9


def predictions(found: Watched, arm: Arm) -> None:
    """Draw what a version predicts, and whether that is like the evaluation data."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        _classes(found, arm)
        _accuracy(arm)
    with right:
        _drift(arm)


def _classes(found: Watched, arm: Arm) -> None:
    st.subheader("Predicted classes", anchor=False)
    if not arm.classes:
        st.caption("Nothing was predicted lately, or the model tells no classes.")
        return
    rows = [(found.class_name(each.index), each.reference, each.live) for each in arm.classes]
    plot(
        classes_figure(rows, palette(dark())),
        key=f"classes_{arm.name}", alt="Predicted classes",
    )  # fmt: skip
    if arm.confidence is not None:
        st.caption(f"Mean confidence {arm.confidence:.1%}.")


def _accuracy(arm: Arm) -> None:
    seen = arm.accuracy
    if seen is None:
        st.caption("No labels came in, so that the accuracy is not known: POST /labels takes them.")
        return
    change = None if seen.reference is None else f"{100 * (seen.value - seen.reference):+.1f} points"
    st.metric(
        "Accuracy by labels",
        f"{seen.value:.1%}",
        change,
        help=f"{seen.low:.1%} to {seen.high:.1%} of {seen.labels:,} labels; beside it the change against the "
        "evaluation data.",
    )


def _drift(arm: Arm) -> None:
    st.subheader("Drift by feature", anchor=False)
    if not arm.reference_rows:
        st.info(
            "There is nothing to compare with: the run of this model had no data. Make the service of a run "
            "with data.",
            icon=":material/info:",
        )
        return
    newest = arm.newest()
    if not newest:
        left = FIRST_WINDOW - arm.logged % FIRST_WINDOW
        st.info(f"The first window is tested after {left:,} more predictions.", icon=":material/hourglass:")
        return
    sizes = {each.size: each for each in newest}
    size = next(iter(sizes))
    if len(sizes) > 1:
        size = (
            st.segmented_control(
                "Window", list(sizes), default=size, key=f"size_{arm.name}",
                format_func=lambda each: f"{each:,} predictions",
            )
            or size
        )  # fmt: skip
    _verdict(sizes[size])
    _table(sizes[size])
    shown = [each for each in arm.windows if each.size == size]
    if len(shown) > 1:
        plot(
            drift_figure(shown, palette(dark())),
            key=f"drift_{arm.name}", alt="Drift by feature and window",
        )  # fmt: skip
        st.caption("A cross is drift. From 0.1 a shift (PSI) counts, from 0.25 it is large.")


def _verdict(window: Window) -> None:
    names = ", ".join(each.name for each in window.raised)
    told = f"**Drift** in {fmt.plain(names)}." if names else "**No drift.**"
    icon = ":red[:material/error:]" if names else ":green[:material/check_circle:]"
    st.markdown(f"{icon} {told}")
    st.caption(
        f"Window {window.number:,} of {window.size:,} predictions, tested once: {window.level:.2g} is "
        "its probability of a false alarm at most, and 0.01 that of all windows together."
    )


def _table(window: Window) -> None:
    rows = sorted(window.findings, key=lambda each: (not each.raised, each.p))
    st.dataframe(
        {
            "Feature": [each.name for each in rows],
            "Drift": [_said(each) for each in rows],
            "Shift (PSI)": [fmt.number(each.psi) for each in rows],
            "p": [_probability(each.p) for each in rows],
            "Evaluation": [fmt.number(each.reference) for each in rows],
            "Live": [fmt.number(each.live) for each in rows],
            "Test": [each.test or fmt.NONE for each in rows],
        },
        hide_index=True,
        height="content" if len(rows) <= 10 else 388,
        column_config={
            "Shift (PSI)": st.column_config.TextColumn(help="Population stability index.", alignment="right"),
            "p": st.column_config.TextColumn(
                help="Probability of so large a difference without drift.", alignment="right"
            ),
            "Evaluation": st.column_config.TextColumn(help="Mean on the evaluation data.", alignment="right"),
            "Live": st.column_config.TextColumn(help="Mean of the window.", alignment="right"),
        },
        alt="Features of the window",
    )


def _probability(p: float) -> str:
    return f"{p:.2g}" if p >= LEAST_P else f"<{LEAST_P:g}"


def _said(found: Feature) -> str:
    if not found.test:
        return "not judged"
    return "yes" if found.raised else "no"
