"""Targets as cards: what each is for, whether it can be built and run here, and the precisions to choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from core.domain.export import Export, ExportPrecision
from core.domain.model import SourceModel
from core.search.exports import export_options
from core.views.exports import ExportRow, TargetRow
from pages import format as fmt
from pages.widgets.address import on_change
from pages.widgets.params import fields_form

SEPARATOR = ","


def target_cards(
    model: SourceModel,
    rows: Sequence[TargetRow],
    built: Sequence[ExportRow],
    held: Mapping[str, str],
    owner: str,
) -> tuple[Export, ...]:
    """Draw every target with its precisions, and return what is chosen of them.

    Args:
        model: What is exported.
        rows: The targets.
        built: What came of exports of the model.
        held: What the address says.
        owner: Whose settings those are.
    """
    chosen: list[Export] = []
    with st.grid(3, min_column_width=330):
        for row in rows:
            with st.container(border=True, gap="xsmall", height="stretch"):
                known = [each for each in built if each.export.target == row.target.id]
                chosen += _options(model, _card(row, known, held, owner), f"{owner}_{row.target.id}_option")
    return tuple(chosen)


def _card(row: TargetRow, built: Sequence[ExportRow], held: Mapping[str, str], owner: str) -> list[Export]:
    target = row.target
    st.markdown(f"**{fmt.plain(target.name)}** {_state(row, built)}")
    st.caption(fmt.plain(target.summary))
    possible = [each.precision for each in row.precisions if each.possible]
    before = [each for each in held.get(target.id, "").split(SEPARATOR) if each in possible]
    if possible:
        st.pills(
            f"Precisions of {target.name}",
            possible,
            selection_mode="multi",
            default=[ExportPrecision(each) for each in before],
            format_func=lambda each: each.label,
            label_visibility="collapsed",
            **on_change(
                owner, target.id, f"{owner}_{target.id}", lambda picked: SEPARATOR.join(picked) or None
            ),
        )
    told = [each.unpacks for each in row.precisions if each.possible and each.unpacks]
    for text in dict.fromkeys([row.needs and f"Not run here: {row.needs}", *told]):
        if text:
            st.caption(f":material/info: {fmt.plain(text)}")
    _impossible(row)
    picked = st.session_state.get(f"{owner}_{target.id}") if possible else ()
    return [Export(target.id, ExportPrecision(each)) for each in picked or ()]


def _options(model: SourceModel, picked: Sequence[Export], key: str) -> list[Export]:
    """Draw what else may be asked of the exports of a target; return these with what was chosen."""
    known = {each: export_options(each, model) for each in picked}
    specs = {name: spec for each in known.values() for name, (_, spec) in each.items()}
    if not specs:
        return list(picked)
    with st.popover("Options", type="tertiary", icon=":material/tune:"):
        chosen = fields_form(specs.values(), key=key)
    if chosen:
        told = ", ".join(f"{name}={value}" for name, value in chosen.items())
        st.caption(f":material/tune: {fmt.plain(told)}")
    return [
        replace(each, options=tuple((name, value) for name, value in chosen.items() if name in own))
        for each, own in known.items()
    ]


def _state(row: TargetRow, built: Sequence[ExportRow]) -> str:
    """Return what is known of a target here, as badges."""
    if not row.possible:
        return ":gray-badge[:material/block: Not for this model]"
    if any(each.measured for each in built):
        return ":green-badge[:material/check_circle: Measured here]"
    if any(each.built for each in built):
        return ":blue-badge[:material/deployed_code: Built]"
    if not row.runs_here:
        return ":orange-badge[:material/move_up: Built here, runs elsewhere]"
    return ":green-badge[:material/check: Ready]"


def _impossible(row: TargetRow) -> None:
    """Tell which precisions there are not, and why, where somebody asks."""
    refused = [each for each in row.precisions if not each.possible]
    if not refused:
        return
    named = ", ".join(each.precision.label for each in refused)
    with st.popover(f"Not: {named}", type="tertiary", icon=":material/block:"):
        for each in refused:
            st.markdown(f"**{each.precision.label}**: {fmt.plain(each.reason)}")
