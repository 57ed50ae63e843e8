"""Accuracy tab: metrics against labels, per class, calibration, samples that flip, error by layer."""

from __future__ import annotations

import streamlit as st

from core.domain.accuracy_detail import AccuracyDetail
from core.views import Average, CandidateView, averages, details
from pages import format as fmt
from pages.widgets.candidate.calibration import calibration
from pages.widgets.candidate.errors import errors
from pages.widgets.candidate.flips import gallery
from pages.widgets.candidate.layer_errors import layer_errors
from pages.widgets.candidate.per_class import per_class
from pages.widgets.figures import doubts, outputs, sameness
from pages.widgets.page import store

OLD = (
    "Figures per class, calibration and the samples that flip were not kept when this candidate was "
    "measured: run the model again to see them."
)


def accuracy(view: CandidateView) -> None:
    """Draw how true a candidate is."""
    doubts(view.row)
    sameness(view.row, view.run.baseline)
    known = details(store(), view.run)
    found = known.get(view.row.id)
    if found is None:
        st.info(OLD, icon=":material/info:")
    else:
        in_detail(view, found, known.get(view.run.baseline.id))
    outputs(view.row)
    layer_errors(view)


def in_detail(view: CandidateView, found: AccuracyDetail, baseline: AccuracyDetail | None) -> None:
    """Draw everything that is meaningful for what the output answers, and say what is not."""
    own = view.row.candidate.position == 0
    _averages(averages(found), own)
    if found.errors is not None:
        errors(found.errors, view.row.name)
    per_class(view, found)
    if found.reliability is not None:
        calibration(view.row.name, found.reliability, None if own or not baseline else baseline.reliability)
    gallery(view, found)
    for told in dict.fromkeys((found.unreliable, found.note)):
        if told:
            st.caption(f":material/info: {fmt.plain(told)}")


def _averages(found: tuple[Average, ...], own: bool) -> None:
    if not found:
        return
    st.space("small")
    with st.container(horizontal=True, gap="large"):
        for each in found:
            change = None if own else f"{each.value - each.base:+.1f} points"
            st.metric(
                each.name,
                fmt.percent(each.value),
                change,
                help=f"{each.help} The change is against the baseline's {fmt.percent(each.base)}.",
                width="content",
            )
