"""Deploy page: what to deploy for a scenario, as which service, tried here, with a checklist of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from core import engine
from core.errors import WhetstoneError
from core.packagers.serving.checklist import Line
from core.protocols import Packager
from core.registry import get_packager, packagers
from core.search.spelling import spell_packager
from core.views import Advice, RunSummary, RunView, run_view, runs, service_view
from pages import format as fmt
from pages.widgets.address import settings
from pages.widgets.background import going_on, start
from pages.widgets.commands import same_elsewhere
from pages.widgets.deploy.files import files
from pages.widgets.deploy.options import options
from pages.widgets.deploy.scenario import recommended, scenario
from pages.widgets.deploy.trial import trial
from pages.widgets.downloader import download_kit, download_service
from pages.widgets.page import current, emphasis, empty, go, remember, show_error, store
from pages.widgets.params import params_form


def choose_run(chosen: str | None) -> RunView | None:
    """Draw the choice of a run that measured something; None where there is none."""
    known = {each.id: each for each in runs(store(), 50) if each.done}
    if not known:
        return None
    ids = list(known)
    picked = st.selectbox(
        "Run",
        ids,
        ids.index(chosen) if chosen in ids else 0,
        format_func=lambda id: _told(known[id]),
        key="deploy_run",
    )
    remember("run", picked)
    return run_view(store(), picked)


def _told(run: RunSummary) -> str:
    of = "" if run.model_name in run.name else f" · {run.model_name}"
    return f"{run.name}{of} · {fmt.ago(run.created)}"


def choose_candidate(names: Mapping[str, str], advice: Advice, key: str, chosen: str | None) -> str | None:
    """Draw the choice of a measured candidate, set to what is recommended."""
    ids = list(names)
    first = chosen if chosen in names else advice.candidate_id
    if not ids:
        return None
    return st.selectbox(
        "Candidate",
        ids,
        ids.index(first) if first in ids else 0,
        format_func=lambda id: f"{names[id]}{' ★' if id == advice.candidate_id else ''}",
        key=f"deploy_candidate_{key}",
        help="★ is what is recommended for the scenario.",
    )


def checklist(found: tuple[Line, ...], packed: bool) -> None:
    """Draw the deployment checklist; `packed` says whether the folder has it."""
    ticked = sum(each.done for each in found)
    kept = " It goes into the folder." if packed else ""
    st.caption(f"{ticked} of {len(found)} are shown by a measurement or test that was run.{kept}")
    with st.grid(2, min_column_width=320):
        for each in found:
            mark = (
                ":green[:material/check_circle:]" if each.done else ":gray[:material/radio_button_unchecked:]"
            )
            st.markdown(f"{mark} **{fmt.plain(each.name)}**  \n:gray[{fmt.plain(each.evidence)}]")


def measure_settings(candidate_id: str) -> None:
    """Draw the button that measures other batches, or how far that is."""
    key = f"sweep_{candidate_id}"
    busy = going_on(key)
    label = "Measure batch sizes now"
    why = "They are being measured." if busy else None
    if st.button(label, icon=":material/speed:", key="measure", type=emphasis(True), disabled=busy, help=why):
        start(key, partial(engine.sweep, store(), candidate_id))
        st.rerun()


def service_params(packager: Packager, advice: Advice, others: Mapping[str, str], key: str) -> dict[str, Any]:
    """Draw the options of a kind of service; return those that are no default."""
    st.subheader("Options", anchor=False)
    if packager.serves:
        return options(advice, others, key)
    with st.grid(3, min_column_width=240, vertical_alignment="bottom"):
        return params_form(packager.Params, key=f"{key}_{packager.id}")


def service(candidate_id: str, advice: Advice, others: Mapping[str, str], key: str) -> None:
    """Draw a service of a candidate: options, trial, checklist, files."""
    kinds = {each.id: each.name for each in packagers().values() if each.deploys}
    kind = next(iter(kinds))
    if len(kinds) > 1:
        kind = (
            st.segmented_control("Service", list(kinds), default=kind, format_func=lambda id: kinds[id])
            or kind
        )
        st.caption(packagers()[kind].summary)
    packager = get_packager(kind)
    params = service_params(packager, advice, others, key)
    spelled = spell_packager(kind, params)
    try:
        found = service_view(store(), candidate_id, spelled)
    except WhetstoneError as error:
        show_error(error)
        if engine.sweep_wanted(store(), candidate_id, spelled):
            measure_settings(candidate_id)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        download_service(candidate_id, spelled, kinds[kind])
        if "predictions" in params:
            st.page_link("watch.py", label="Watch it once it runs", icon=":material/monitoring:")
    tried, ticks, code = st.tabs(
        ["Try it here" if packager.serves else "Try it elsewhere", "Checklist", "Files"]
    )
    with tried:
        if packager.serves:
            trial(candidate_id, spelled, found.trial)
        else:
            st.markdown(f"{packager.name} is not tried here. {packager.elsewhere}")
    with ticks:
        checklist(found.checklist, "CHECKLIST.md" in found.files)
    with code:
        files(found)
    same_elsewhere(found.command, found.python)


def show(view: RunView, asked: str | None) -> None:
    """Draw the page of a run."""
    run_id = view.run.id
    picked = scenario(run_id, settings(run_id, ("scenario",)).get("scenario"))
    advice = recommended(view, picked)
    names = {row.id: row.name for row in view.candidates if row.candidate.result is not None}
    candidate_id = choose_candidate(names, advice, f"{run_id}_{advice.candidate_id}", asked)
    if candidate_id is None:
        return
    if advice.service:
        others = {id: name for id, name in names.items() if id != candidate_id}
        service(candidate_id, advice, others, f"{run_id}_{picked.value}")
        return
    with st.container(horizontal=True):
        download_kit(candidate_id, key="kit")
        if st.button("About this candidate", icon=":material/info:", key="about"):
            go("candidate.py", candidate=candidate_id)


found = choose_run(current("run"))
if found is not None:
    show(found, st.query_params.get("candidate"))
else:
    with empty(
        "rocket_launch", "Nothing to deploy yet", "Run a model first: what was measured can be deployed."
    ):
        st.page_link("start.py", label="Start")
