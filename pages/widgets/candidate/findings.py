"""Findings of a candidate: what was seen, why, and what to do, with what is at stake."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.finding import Finding
from core.domain.recipe import Recipe
from core.search.names import recipe_name
from core.views import CandidateView
from pages import format as fmt
from pages.widgets.candidate.again import request_for
from pages.widgets.page import errors_as_words, go, store

KINDS = {"good": ("check_circle", "green"), "note": ("info", "blue"), "warning": ("warning", "orange")}


def findings(view: CandidateView) -> None:
    """Draw what the figures say, what has most at stake first."""
    if not view.findings and not view.more_samples:
        return
    st.subheader("Findings", anchor=False)
    for finding in view.findings:
        _finding(finding)
        if finding.recipe is not None and not view.run.run.imported:
            _try(finding.recipe, view, finding.id)
    if view.more_samples:
        st.markdown(
            f":blue[:material/dataset:] About {view.more_samples:,} more labelled samples would probably "
            "settle whether it respects the limit."
        )


def _finding(finding: Finding) -> None:
    icon, color = KINDS[finding.kind]
    stake = f" :{color}-badge[up to {finding.stake}]" if finding.stake else ""
    lines = [f":{color}[:material/{icon}:] **{fmt.plain(finding.seen)}**{stake}"]
    lines += [fmt.plain(finding.why)] if finding.why else []
    lines += [f":material/arrow_forward: {fmt.plain(finding.advice)}"] if finding.advice else []
    st.markdown("  \n".join(lines))


def _try(recipe: Recipe, view: CandidateView, finding: str) -> None:
    """Draw the way to the candidate that a finding proposes: to its page, or to a run that measures it."""
    run = view.run
    measured = next((row for row in run.candidates if row.candidate.recipe == recipe), None)
    name = fmt.plain(recipe_name(recipe, run.model.precision))
    if measured is not None:
        if st.button(f"Open {name}", key=f"open_{finding}", type="tertiary", icon=":material/open_in_new:"):
            go("candidate.py", candidate=measured.id)
        return
    help = "Starts a run that measures this candidate beside your model, with the settings of this run."
    if st.button(f"Try {name}", key=f"try_{finding}", icon=":material/add_circle:", help=help):
        with errors_as_words():
            go("optimize.py", run=engine.submit(store(), request_for(view, recipe)).id)
