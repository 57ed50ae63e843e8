"""Techniques tab: which technique works on which runtime with this model, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.protocols import Runtime
from core.registry import get_pass, runtimes
from core.views import ModelView, TechniqueRow, Topics
from pages import format as fmt
from pages.widgets.learn_link import learn_link, learn_name
from pages.widgets.table import height_of

YES, NOT_HERE, NO = "✓ yes", "○ built only", "✗ no"
WORDS = (
    "✓ yes: it is built and measured here. ○ built only: that runtime is not installed here, so the file is "
    "built but not measured. ✗ no: not with this model. Choose a row to read what it does, or why not."
)


def shown_runtimes(view: ModelView) -> list[Runtime]:
    """Return the runtimes that run the model, as it is or after any technique."""
    led = {*view.runtimes, *(each for row in view.techniques if row.applicable for each in row.runtimes)}
    return [each for key, each in runtimes().items() if key in led]


def ordered(rows: Sequence[TechniqueRow]) -> list[TechniqueRow]:
    """Return what can be done first, and conversions after what makes a model faster or smaller."""
    return sorted(rows, key=lambda row: (not row.applicable, get_pass(row.id).bridges))


def cell(row: TechniqueRow, runtime: Runtime) -> str:
    """Return whether a technique works on a runtime, by sign and word."""
    if not row.applicable or runtime.id not in row.runtimes:
        return NO
    return YES if runtime.available().ok else NOT_HERE


def techniques(view: ModelView) -> None:
    """Draw the matrix, the reasons of the row that is chosen, and what else is worth knowing."""
    rows, columns = ordered(view.techniques), shown_runtimes(view)
    table: dict[str, list[str]] = {
        "Technique": [row.name for row in rows],
        "Kind": [get_pass(row.id).kind.value for row in rows],
    }
    table |= {each.name: [cell(row, each) for row in rows] for each in columns}
    if any(row.reason for row in rows):
        table["Why not"] = [row.reason for row in rows]
    st.caption(WORDS)
    picked: Any = st.dataframe(
        table,
        hide_index=True,
        column_config={"Technique": st.column_config.TextColumn(width=178, pinned=True)},
        height=height_of(len(rows)),
        on_select="rerun",
        selection_mode="single-row",
        key=f"techniques_{view.model.id}",
        alt="Techniques by runtime",
    )
    chosen = list(picked.selection.rows)
    if chosen and chosen[0] < len(rows):
        _about(rows[chosen[0]], columns)
    if view.model.notes:
        st.subheader("Worth knowing", anchor=False)
    for note in view.model.notes:
        st.markdown(f":orange[:material/info:] {fmt.plain(note.message)} :gray[{fmt.plain(note.hint)}]")


def _about(row: TechniqueRow, columns: Sequence[Runtime]) -> None:
    others = [each.name for each in columns if each.id not in row.runtimes] if row.applicable else []
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{learn_name(Topics.TECHNIQUE, row.id, row.name)}**  \n{row.summary}")
        if row.reason:
            st.markdown(f":orange[:material/block:] {fmt.plain(row.reason)} {fmt.plain(row.hint)}")
        if others:
            st.caption(
                f"Not on {', '.join(others)}: they do not open what it makes, nor what that converts to."
            )
        learn_link(Topics.TECHNIQUE, row.id, "More about it")
