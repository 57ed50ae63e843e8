"""Candidate page: what it is and how far to trust it, its downloads, and all else in tabs."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.domain.run import CandidateStatus
from core.views import CandidateView, Topics, explain, why_dominated
from pages import format as fmt
from pages.widgets.address import RUN, put, settings
from pages.widgets.candidate import tabs
from pages.widgets.candidate.again import again
from pages.widgets.downloader import download_kit, download_model, download_others
from pages.widgets.glossary import glossary
from pages.widgets.learn_link import learn_name
from pages.widgets.limits import limits_set
from pages.widgets.machines import same_recipe_elsewhere
from pages.widgets.page import current, empty, go, show_error, store
from pages.widgets.status import CANDIDATE, UNSTABLE


def head(view: CandidateView) -> None:
    """Draw the name, where it comes from, why it is or is not recommended, and the download."""
    row, run = view.row, view.run
    star = ""
    if row.id == run.recommendation.candidate_id:
        star = (
            ":green-badge[:material/star: Recommended]"
            if row.sure
            else ":orange-badge[:material/star: Likely]"
        )
    elif row.candidate.position == 0:
        star = ":gray-badge[Baseline (your model)]"
    elif row.on_front:
        star = ":blue-badge[Pareto-optimal]"
    if row.candidate.result is not None and row.candidate.result.timing.unstable:
        star += UNSTABLE
    st.markdown(f"## {fmt.plain(row.name)} {star}", anchors=False)
    target = row.candidate.recipe.target
    threads = fmt.plural(target.threads, "thread")
    runtime = learn_name(Topics.RUNTIME, target.runtime_id, row.runtime)
    place = f"{runtime} on {target.machine or target.device.upper()}, {threads}, batch {target.batch}"
    st.caption(
        f":material/deployed_code: {fmt.plain(run.model.name)}  ·  :material/memory: {place}  ·  "
        f"run {fmt.plain(run.run.name)}"
    )
    same_recipe_elsewhere(row, run)
    if row.candidate.error is None:
        st.markdown(fmt.plain(f"{row.why} {why_dominated(row, run.candidates)}"))
    with st.container(horizontal=True, vertical_alignment="center"):
        if row.latency_ms is not None or row.candidate.status is CandidateStatus.UNMEASURED:
            download_kit(row.id, key="kit")
            download_others(row.id, view.packagers)
            download_model(row.id, key="model_file")
        if row.latency_ms is not None and st.button("Deploy", icon=":material/rocket_launch:", key="deploy"):
            go("deploy.py", run=run.run.id, candidate=row.id)
        again(view)
        if st.button("Back to the comparison", icon=":material/scatter_plot:", key="back"):
            put(run.run.id, "machine", run.machine or None)
            go("compare.py", run=run.run.id, selected=row.id)
        glossary()


def outcome(view: CandidateView) -> None:
    """Say why a candidate has no figures."""
    candidate = view.row.candidate
    if candidate.status is CandidateStatus.UNMEASURED and candidate.error is not None:
        st.info(
            fmt.plain(f"{candidate.error.message} {candidate.error.hint}"), icon=":material/deployed_code:"
        )
    elif candidate.error is not None:
        show_error(candidate.error)
    elif candidate.result is None:
        st.info(
            f"{CANDIDATE[candidate.status]}: its figures come later in the run.", icon=":material/schedule:"
        )


def show(candidate_id: str) -> None:
    """Draw a candidate."""

    def held(run_id: str) -> Mapping[str, str]:
        return settings(run_id, (*RUN, "tab"))

    view = explain(store(), candidate_id, lambda run: limits_set(run.request.limits, held(run.id)))
    run = view.run.run
    head(view)
    if view.run.limits != run.request.limits:
        st.caption("Judged by the limits that you set on the compare page, not by those of the run.")
    outcome(view)
    tabs(view, held(run.id).get("tab"))


chosen = current("candidate")
if chosen:
    show(chosen)
else:
    with empty("verified", "No candidate chosen", "Click a point or a row on the compare page."):
        st.page_link("compare.py", label="Compare")
