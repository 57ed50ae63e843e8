"""What a candidate can be the beginning of: a run that measures it again, or a set-up with its recipe."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.recipe import Recipe
from core.domain.run import RunRequest
from core.views import CandidateView
from pages.widgets.page import errors_as_words, go, store
from pages.widgets.setup.again import set_up_again


def request_for(view: CandidateView, recipe: Recipe) -> RunRequest:
    """Return the request of a run that measures nothing but `recipe` beside the model, as this run did."""
    return view.run.run.request.by_hand((recipe,))


def again(view: CandidateView) -> None:
    """Draw both ways; the baseline is measured in every run."""
    row, run = view.row, view.run
    if row.candidate.position == 0:
        return
    asked = request_for(view, row.candidate.recipe.on(""))
    if st.button(
        "Measure again", icon=":material/replay:", key="measure_again",
        help="Starts a run that measures this candidate beside your model, with the settings of this run.",
    ):  # fmt: skip
        with errors_as_words():
            go("optimize.py", run=engine.submit(store(), asked).id)
    if st.button(
        "Use as a start", icon=":material/tune:", key="use_as_start",
        help="Opens the set-up of a run with this recipe, to change it or to add others.",
    ):  # fmt: skip
        set_up_again(asked)
        go("optimize.py", model=run.model.id, **({"data": run.data.id} if run.data else {}))
