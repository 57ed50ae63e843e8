"""What a run would try: techniques against runtimes, with the reason of what is refused beforehand."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.run import RunRequest
from core.search.names import runtime_name, technique
from pages.widgets.page import store
from pages.widgets.table import height_of

TRIED, REFUSED, NOT_THERE = "✓ tried", "✗ refused", "– not in it"


@st.cache_data(ttl=60, show_spinner=False)
def plan_table(request: RunRequest) -> dict[str, list[str]]:
    """Return a row for each technique: what becomes of it on each runtime, and why not."""
    model, plan = store().models.get(request.model_id), engine.plan(store(), request)
    cells: dict[str, dict[str, str]] = {}
    reasons: dict[str, str] = {}
    for each in plan.candidates:
        if each.position == 0:
            continue
        name, runtime = technique(each.recipe, model.precision), runtime_name(each.recipe)
        cells.setdefault(name, {})[runtime] = TRIED if each.error is None else REFUSED
        if each.error is not None:
            reasons.setdefault(name, f"{each.error.message} {each.error.hint}".strip())
    columns = list(dict.fromkeys(runtime for row in cells.values() for runtime in row))
    table = {"Technique": list(cells)}
    table |= {each: [row.get(each, NOT_THERE) for row in cells.values()] for each in columns}
    return table | ({"Why not": [reasons.get(name, "") for name in cells]} if reasons else {})


def what_is_tried(request: RunRequest) -> None:
    """Draw the table; one that has been checked to be planned."""
    with st.expander("What this tries, technique by runtime", icon=":material/grid_on:"):
        table = plan_table(request)
        st.dataframe(
            table, hide_index=True, height=height_of(len(table["Technique"])), alt="Planned candidates"
        )
