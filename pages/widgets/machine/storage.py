"""What the data folder holds, and how to free room in it."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.views import storage
from pages import format as fmt
from pages.routes.hosts import exposed
from pages.widgets.page import errors_as_words, store
from pages.widgets.table import height_of

USUAL_DAYS = 30
ASKED = "asked_old"


def storage_section(retention_days: float) -> None:
    """Draw the sizes and the deletion of what is old."""
    st.subheader("Storage", anchor=False)
    found = storage(store())
    st.markdown(
        f"**{fmt.size(found.total)}** in `{found.folder}`; {fmt.size(found.free_bytes)} of its disk are free."
    )
    st.dataframe(
        {"What": list(found.sizes), "Size": [fmt.size(size) for size in found.sizes.values()]},
        hide_index=True,
        height=height_of(len(found.sizes)),
        alt="What the data folder holds",
    )
    days = fmt.plural(int(retention_days), "day")
    kept = f"Runs are deleted after {days}" if retention_days else "No run is deleted unasked"
    st.caption(f"{kept} (WHETSTONE_RETENTION_DAYS). A run that goes on is left alone in any case.")
    _old_runs()
    _downloads(found.sizes.get("Written downloads", 0))


def _old_runs() -> None:
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    days = left.number_input(
        "Runs and unused uploads older than (days)", 0, 3650, USUAL_DAYS, key="older_than"
    )
    count, freed = store().older_than(days)
    reason = _why_not() or ("" if count or freed else "Nothing is that old.")
    label = f"Delete {fmt.plural(count, 'run')}, free {fmt.size(freed)}"
    with right:
        if st.button(
            label, icon=":material/delete:", disabled=bool(reason), help=reason or None, key="ask_old"
        ):
            st.session_state[ASKED] = (days, count, freed)
    if ASKED in st.session_state:
        _ask(*st.session_state[ASKED])
    if reason:
        st.caption(reason)


def _settle() -> None:
    """Close the dialog."""
    st.session_state.pop(ASKED, None)


@st.dialog("Delete old runs?", icon=":material/delete:", on_dismiss=_settle)
def _ask(days: int, count: int, freed: int) -> None:
    st.markdown(
        f"**{fmt.plural(count, 'run')}** older than {fmt.plural(days, 'day')} with all that was built for "
        f"them, and uploads of that age that no run uses: {fmt.size(freed)}."
    )
    st.caption("This cannot be undone. What changed in the last quarter of an hour goes with a later sweep.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep them", key="keep_old"):
            _settle()
            st.rerun()
        if st.button("Delete", type="primary", icon=":material/delete:", key="confirm_old"):
            _settle()
            with errors_as_words():
                engine.delete_older_than(store(), days)
                st.rerun()


def _downloads(size: int) -> None:
    """Offer to remove written kits, which are written again on demand."""
    reason = _why_not() or ("" if size else "There are none.")
    if st.button(
        f"Remove written downloads, {fmt.size(size)}" if size else "Remove written downloads",
        icon=":material/folder_zip:",
        disabled=bool(reason),
        help=reason or "They are written again when somebody downloads them. The newest stay for a while.",
        key="remove_kits",
    ):
        engine.sweep_kits(store())
        st.rerun()


def _why_not() -> str:
    return "Others can reach this dashboard, so nothing is deleted for all from here." if exposed() else ""
