"""Run history: find, open, describe, compare and delete runs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import engine
from core.domain.run import RunStatus
from core.errors import WhetstoneError
from core.views import RunSummary, highlights, runs
from pages import format as fmt
from pages.widgets.address import remember_settings
from pages.widgets.page import empty, errors_as_words, go, remember, show_error, store
from pages.widgets.run_import import run_import
from pages.widgets.run_table import run_table
from pages.widgets.status import RUN

DESCRIBE, DELETE = "Describe", "Delete"
WORK_S = 0.5
"""Seconds to work out what is shown of runs; the rest of them follows."""
AGAIN_S = 0.7
TAGS = 12


def ask(kind: str, ids: Sequence[str]) -> None:
    """Open a dialog about runs in the next run of the script."""
    st.session_state["asked"] = (kind, tuple(ids))


def settle() -> None:
    """Close the dialog."""
    st.session_state.pop("asked", None)


@st.dialog("Name, tags and notes", icon=":material/edit:", on_dismiss=settle)
def describe(chosen: Sequence[RunSummary], tags: Sequence[str]) -> None:
    """Ask for what a person says about a run, or for the tags of several."""
    one = chosen[0] if len(chosen) == 1 else None
    name = st.text_input("Name", value=one.name, max_chars=120, key="new_name") if one else ""
    shared = [tag for tag in tags if all(tag in run.tags for run in chosen)]
    wanted = st.multiselect(
        "Tags", tags, shared, accept_new_options=True, max_selections=TAGS, key="new_tags",
        placeholder="Type a word and press Enter",
    )  # fmt: skip
    notes = st.text_area("Notes", value=one.notes, max_chars=4000, key="new_notes") if one else ""
    blank = one is not None and not name.strip()
    why = "It needs a name." if blank else None
    if st.button("Save", type="primary", key="save_name", disabled=blank, help=why):
        with errors_as_words():
            for run in chosen:
                kept = [tag for tag in run.tags if tag not in shared]
                store().runs.note(run.id, [*kept, *wanted], notes if one else run.notes)
            if one and name.strip() != one.name:
                store().runs.rename(one.id, name.strip())
            settle()
            st.rerun()


@st.dialog("Delete?", icon=":material/delete:", on_dismiss=settle)
def delete(chosen: Sequence[RunSummary], tags: Sequence[str]) -> None:  # noqa: ARG001
    """Ask before runs go with everything that is only their own."""
    names = ", ".join(f"**{fmt.plain(run.name)}**" for run in chosen[:5])
    more = f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""
    count = fmt.plural(sum(run.total for run in chosen), "candidate")
    verb = "goes with its" if len(chosen) == 1 else "go with their"
    st.markdown(f"{names}{more} {verb} {count}, their files and kits.")
    st.caption("Models and data go too unless another run uses them. This cannot be undone.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep" if len(chosen) > 1 else "Keep it", key="keep"):
            settle()
            st.rerun()
        if st.button("Delete", type="primary", icon=":material/delete:", key="confirm_delete"):
            try:
                for run in chosen:
                    engine.delete(store(), run.id)
                    if st.session_state.get("current_run") == run.id:
                        remember("run", None)
            except WhetstoneError as error:
                show_error(error)
                return
            settle()
            st.rerun()


def page_of(run: RunSummary) -> str:
    """Return the page that fits the state of a run."""
    return "compare.py" if run.status is RunStatus.DONE else "optimize.py"


def actions(chosen: Sequence[RunSummary]) -> None:
    """Draw what can be done with the runs that are ticked."""
    ids, one = [run.id for run in chosen], len(chosen) == 1
    some, active = len(chosen) > 0, any(run.status.active for run in chosen)
    tick = None if some else "Tick a run in the table first."
    why = "Cancel it first; an active run cannot be deleted." if active else tick
    with st.container(horizontal=True, vertical_alignment="center"):
        told = f"{fmt.plural(len(chosen), 'run')} ticked" if some else ":gray[Tick runs to work with them]"
        st.markdown(told)
        if st.button("Open", icon=":material/open_in_new:", disabled=not one, key="open", help=tick):
            go(page_of(chosen[0]), run=ids[0])
        two = "Tick two runs to hold one against the other."
        if st.button(
            "Compare", icon=":material/compare_arrows:", disabled=len(chosen) != 2, key="compare_runs",
            help=None if len(chosen) == 2 else two,
        ):  # fmt: skip
            remember_settings(ids[0], {"part": "run", "against": ids[1]})
            go("compare.py", run=ids[0])
        st.button(
            DESCRIBE, icon=":material/edit:", key="describe", disabled=not some, help=tick,
            on_click=ask, args=(DESCRIBE, ids),
        )  # fmt: skip
        st.button(
            DELETE, icon=":material/delete:", key="delete", disabled=not some or active, help=why,
            on_click=ask, args=(DELETE, ids),
        )  # fmt: skip


def filtered(found: list[RunSummary]) -> list[RunSummary]:
    """Draw the filters and return what passes them."""
    tags = known_tags(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Find", type="search", placeholder="Name, model, data, tag or note", key="find",
            icon=":material/search:", live=True, width=320,
        )  # fmt: skip
        states = st.pills(
            "State",
            list(RUN),
            selection_mode="multi",
            format_func=lambda status: RUN[status][0],
            key="states",
        )
        picked = st.pills("Tags", tags, selection_mode="multi", key="tags") if tags else []
    wanted = (text or "").strip().lower()

    def said(run: RunSummary) -> str:
        return " ".join((run.name, run.model_name, run.data_name, *run.tags, run.notes)).lower()

    return [
        run
        for run in found
        if wanted in said(run) and (not states or run.status in states) and set(picked) <= set(run.tags)
    ]


def known_tags(found: Sequence[RunSummary]) -> list[str]:
    """Return the tags of runs, those of most runs first."""
    counts: dict[str, int] = {}
    for tag in (tag for run in found for tag in run.tags):
        counts[tag] = counts.get(tag, 0) + 1
    return sorted(counts, key=lambda tag: (-counts[tag], tag))


def table_key(shown: Sequence[RunSummary]) -> str:
    """Return the key of the table: another one for other runs, so that no tick moves to another run."""
    ids = [run.id for run in shown]
    if st.session_state.get("runs_shown") != ids:
        st.session_state["runs_shown"] = ids
        st.session_state["runs_table"] = st.session_state.get("runs_table", -1) + 1
    return f"runs_{st.session_state['runs_table']}"


@st.fragment(run_every=AGAIN_S)
def more_to_come(known: int, total: int) -> None:
    """Draw how far the figures are, and the page once more when there are more."""
    st.caption(f"Reading the figures of {known} of {total} runs")
    if st.session_state.get("figures_of") == known:
        st.session_state["figures_of"] = None
        st.rerun()
    st.session_state["figures_of"] = known


def open_next(run_id: str) -> None:
    """Open a run in the next run of the script: a callback cannot."""
    st.session_state["open_run"] = run_id


everything = runs(store())
clicked = st.session_state.pop("open_run", None)
if clicked is not None:
    go(page_of(next(run for run in everything if run.id == clicked)), run=clicked)
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown("## Runs", anchors=False, width="stretch")
    run_import()
if not everything:
    with empty("history", "No runs yet", "Every run is kept here, with its figures and its downloads."):
        if st.button("Start one", type="primary", icon=":material/play_arrow:", key="start"):
            go("start.py")
else:
    shown = filtered(everything)
    st.caption(f"{len(shown)} of {fmt.plural(len(everything), 'run')}, newest first")
    if not shown:
        st.info("No run matches.", icon=":material/search_off:")
    else:
        bar = st.container()
        figures = highlights(store(), shown, WORK_S)
        ticked = run_table(shown, figures, on_open=open_next, key=table_key(shown))
        with bar:
            actions(ticked)
        if len(figures) < len(shown):
            more_to_come(len(figures), len(shown))

kind, ids = st.session_state.get("asked", ("", ()))
about = [run for run in everything if run.id in ids]
if about:
    {DESCRIBE: describe, DELETE: delete}[kind](about, known_tags(everything))
