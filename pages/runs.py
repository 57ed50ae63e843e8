"""Run history: open, rename and delete runs."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.run import RunStatus
from core.errors import WhetstoneError
from core.views import RunSummary, runs
from pages import format as fmt
from pages.widgets.page import empty, errors_as_words, go, remember, show_error, store
from pages.widgets.run_header import result_of
from pages.widgets.status import RUN, run_badge

OPEN, RENAME, DELETE = "Open", "Rename", "Delete"


def ask(kind: str, run_id: str) -> None:
    """Open a dialog about a run in the next run of the script."""
    st.session_state["asked"] = (kind, run_id)


def settle() -> None:
    """Close the dialog."""
    st.session_state.pop("asked", None)


@st.dialog("Rename the run", icon=":material/edit:", on_dismiss=settle)
def rename(run: RunSummary) -> None:
    """Ask for a new name."""
    name = st.text_input("Name", value=run.name, max_chars=120, key="new_name")
    if st.button("Save", type="primary", key="save_name", disabled=not name.strip()):
        with errors_as_words():
            store().runs.rename(run.id, name.strip())
            settle()
            st.rerun()


@st.dialog("Delete the run?", icon=":material/delete:", on_dismiss=settle)
def delete(run: RunSummary) -> None:
    """Ask before a run goes with everything that is only its own."""
    st.markdown(
        f"**{fmt.plain(run.name)}** goes with its {fmt.plural(run.total, 'candidate')}, their files and kits."
    )
    st.caption("Its model and data go too unless another run uses them. This cannot be undone.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="keep"):
            settle()
            st.rerun()
        if st.button("Delete", type="primary", icon=":material/delete:", key="confirm_delete"):
            try:
                engine.delete(store(), run.id)
            except WhetstoneError as error:
                show_error(error)
                return
            if st.session_state.get("current_run") == run.id:
                remember("run", None)
            settle()
            st.rerun()


def line(run: RunSummary) -> None:
    """Draw one run."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"run_{run.id}"):
        counted = f"{run.done} of {run.total} candidates"
        about = "  ·  ".join((result_of(run), counted, fmt.plain(run.model_name), fmt.ago(run.created)))
        st.markdown(f"**{fmt.plain(run.name)}** {run_badge(run.status)}  \n:gray[{about}]", width="stretch")
        if st.button(OPEN, key=f"open_{run.id}", icon=":material/open_in_new:"):
            go("compare.py" if run.status is RunStatus.DONE else "optimize.py", run=run.id)
        st.button(RENAME, key=f"rename_{run.id}", icon=":material/edit:", on_click=ask, args=(RENAME, run.id))
        blocked = run.status.active
        why = "Cancel it first; an active run cannot be deleted." if blocked else None
        st.button(
            DELETE,
            key=f"delete_{run.id}",
            icon=":material/delete:",
            disabled=blocked,
            help=why,
            on_click=ask,
            args=(DELETE, run.id),
        )


def filtered(found: list[RunSummary]) -> list[RunSummary]:
    """Draw the filters and return what passes them."""
    left, right = st.columns([2, 3])
    text = left.text_input(
        "Find", type="search", placeholder="Name or model", key="find", icon=":material/search:", live=True
    )
    states = right.pills(
        "State", list(RUN), selection_mode="multi", format_func=lambda status: RUN[status][0], key="states"
    )
    wanted = (text or "").strip().lower()
    return [
        run
        for run in found
        if wanted in f"{run.name} {run.model_name}".lower() and (not states or run.status in states)
    ]


st.markdown("## Runs", anchors=False)
everything = runs(store())
if not everything:
    with empty("history", "No runs yet", "Every run is kept here, with its figures and its downloads."):
        if st.button("Start one", type="primary", icon=":material/play_arrow:", key="start"):
            go("start.py")
else:
    shown = filtered(everything)
    st.caption(f"{len(shown)} of {fmt.plural(len(everything), 'run')}, newest first")
    if not shown:
        st.info("No run matches.", icon=":material/search_off:")
    for each in shown[:100]:
        line(each)

kind, run_id = st.session_state.get("asked", ("", ""))
about = next((each for each in everything if each.id == run_id), None)
if about is not None:
    {RENAME: rename, DELETE: delete}[kind](about)
