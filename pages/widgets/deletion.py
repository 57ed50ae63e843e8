"""Delete an upload: a quiet button that says what goes, and asks."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.model import DataSet, SourceModel
from core.errors import WhetstoneError
from pages import format as fmt
from pages.widgets.page import remember, show_error, store


def settle() -> None:
    """Close the dialog."""
    st.session_state.pop("asked_upload", None)


def delete_buttons(model: SourceModel, data: DataSet | None) -> None:
    """Draw the buttons for the model that is shown and for the data that is chosen, and the question."""
    uploads = {"model": ("Delete this model", model), "data": ("Delete this data set", data)}
    with st.container(horizontal=True):
        for kind, (label, upload) in uploads.items():
            if upload is not None and st.button(
                label, type="tertiary", icon=":material/delete:", key=f"delete_{kind}"
            ):
                st.session_state["asked_upload"] = (kind, upload.id)
    if "asked_upload" in st.session_state:
        ask(*st.session_state["asked_upload"])


@st.dialog("Delete this upload?", icon=":material/delete:", on_dismiss=settle)
def ask(kind: str, id: str) -> None:
    """Say what goes with it, and do it when that is confirmed."""
    try:
        use = store().uploads.use(id)
    except WhetstoneError as error:
        settle()
        show_error(error)
        return
    runs = f" goes with the {fmt.plural(len(use.runs), 'run')} that used it" if use.runs else " goes"
    st.markdown(f"**{fmt.plain(use.name)}**{runs}. This frees {fmt.size(use.size_bytes)}.")
    built = "What was built and measured in these runs goes too. " if use.runs else ""
    st.caption(f"{built}This cannot be undone.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="keep_upload"):
            settle()
            st.rerun()
        if st.button("Delete", type="primary", icon=":material/delete:", key="confirm_delete_upload"):
            delete(kind, id)


def delete(kind: str, id: str) -> None:
    """Delete it with its runs, and forget what the address said about them."""
    settle()
    try:
        gone = engine.delete_upload(store(), id, with_runs=True)
    except WhetstoneError as error:
        show_error(error)
        return
    if st.session_state.get("current_run") in gone.runs:
        remember("run", None)
    remember(kind, None)
    if kind == "model":
        remember("data", None)  # it was read for this model
    st.rerun()
