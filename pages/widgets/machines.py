"""Machine choice: which of a run's kinds of machine the page shows, and which a new run measures on."""

from __future__ import annotations

import streamlit as st

from core.views import Row, RunView, measuring_kinds
from pages.widgets.address import on_change
from pages.widgets.page import go, store

HELP = "Figures of different kinds of machine are not comparable, so one kind is shown at a time."


@st.cache_data(ttl=60, show_spinner=False)
def _known() -> tuple[str, ...]:
    """Return the kinds of machine; to ask a cluster takes seconds."""
    return measuring_kinds(store())


def machine_choice(view: RunView) -> None:
    """Draw the kinds of machine that a run is measured on, where these are several; the page shows one."""
    if not view.others:
        return
    owner = view.run.id
    st.segmented_control(
        "Machine",
        [each.machine for each in view.each],
        default=view.machine,
        required=True,
        help=HELP,
        **on_change(owner, "machine", f"{owner}_machine"),
    )


def same_recipe_elsewhere(row: Row, view: RunView) -> None:
    """Draw the kinds of machine that a recipe is measured on; another one opens the page of its figures."""
    if not view.others:
        return
    same = [
        (each.machine, other.id)
        for each in view.each
        for other in each.candidates
        if other.candidate.position == row.candidate.position
    ]
    found, key = dict(same), f"{row.id}_machine"
    picked = st.segmented_control(
        "Machine", list(found), default=view.machine, required=True, help=HELP, key=key
    )
    if picked is not None and picked != view.machine:
        go("candidate.py", candidate=found[picked])


def machines_to_measure_on(held: str, owner: str) -> tuple[str, ...]:
    """Draw the kinds of machine that the executor has, where these are several; return those chosen.

    Args:
        held: What is chosen, as the address holds it.
        owner: Of the setting.
    """
    known = _known()
    if len(known) < 2:
        return ()
    chosen = st.multiselect(
        "Machines",
        known,
        [kind for kind in held.split(",") if kind in known],
        placeholder=f"One kind: {known[0]}",
        help="Everything is measured on each kind, against your model on the same kind.",
        **on_change(owner, "machines", f"{owner}_machines", lambda kinds: ",".join(kinds) or None),
    )
    return tuple(chosen)
