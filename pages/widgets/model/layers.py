"""Layers tab: every layer with its operator, shape, weights, MACs and time, and their sums by module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core import engine
from core.domain.model import SourceModel
from core.domain.structure import Layer, Structure
from core.errors import WhetstoneError
from core.views import ModelView, baseline_profile, layer_times
from pages import format as fmt
from pages.widgets.page import show_error, store
from pages.widgets.table import height_of

ALL = "Every layer"


def structure_here(model: SourceModel) -> Structure | None:
    """Return the layers of a model, read now where nobody looked before; say why where they cannot be."""
    known = engine.known_structure(store(), model)
    if known is not None:
        return known
    exports = "" if model.format == "onnx" else "Exporting the model to ONNX and "
    try:
        with st.spinner(f"{exports}{'reading' if exports else 'Reading'} its layers", show_time=True):
            return engine.structure_of(store(), model)
    except WhetstoneError as error:
        show_error(error)
        return None


def layers(view: ModelView) -> None:
    """Draw the table with its filters."""
    found = structure_here(view.model)
    if found is None:
        return
    key = f"layers_{view.model.id}"
    left, middle, right = st.columns([3, 3, 2])
    text = left.text_input(
        "Find", placeholder="Part of a name, operator or module", key=f"{key}_text", icon=":material/search:"
    )
    operators = sorted({each.operator for each in found.layers})
    kinds = middle.multiselect("Operators", operators, key=f"{key}_kinds", placeholder="All")
    deepest = min(4, max((len(each.module) for each in found.layers), default=0))
    depths = {ALL: 0} | {f"Modules, {fmt.plural(depth, 'level')}": depth for depth in range(1, deepest + 1)}
    grouped = depths[right.selectbox("Rows", list(depths), key=f"{key}_rows")]
    times = times_of(view.model, found)
    shown = [each for each in found.layers if _matches(each, text.lower(), kinds)]
    rows = by_module(shown, grouped, times) if grouped else one_by_one(shown, times)
    st.dataframe(
        rows,
        hide_index=True,
        height=height_of(len(rows)),
        placeholder="–",
        column_config=_columns(),
        key=f"{key}_table_{grouped}",
        alt="Layers of the model",
    )
    st.caption(_said(found, shown))
    if not times:
        st.caption("Times come from a profile of your model: open the baseline of a run and its Layers tab.")


def times_of(model: SourceModel, found: Structure) -> Mapping[str, float]:
    """Return the milliseconds of each layer of the baseline by name, where a profile tells."""
    profile = baseline_profile(store(), model)
    return {} if profile is None else layer_times(found, profile)


def _matches(layer: Layer, text: str, kinds: Sequence[str]) -> bool:
    names = f"{layer.name} {layer.operator} {'.'.join(layer.module)}".lower()
    return text.strip() in names and (not kinds or layer.operator in kinds)


def one_by_one(layers: Sequence[Layer], times: Mapping[str, float]) -> pd.DataFrame:
    """Return a row for each layer."""
    table = pd.DataFrame(
        {
            "Layer": [each.name or fmt.NONE for each in layers],
            "Module": [".".join(each.module) for each in layers],
            "Operator": [each.operator for each in layers],
            "Output": [fmt.NONE if each.shape is None else fmt.shape(each.shape) for each in layers],
            "Parameters": [each.parameters for each in layers],
            "MACs": pd.array([each.macs for each in layers], dtype="Int64"),
        }
    )
    return _with_times(table, [times.get(each.name) for each in layers]) if times else table


def by_module(layers: Sequence[Layer], depth: int, times: Mapping[str, float]) -> pd.DataFrame:
    """Return a row for each module down to `depth` levels, with sums."""
    groups: dict[str, list[Layer]] = {}
    for each in layers:
        groups.setdefault(".".join(each.module[:depth]) or "outside of modules", []).append(each)
    table = pd.DataFrame(
        {
            "Module": list(groups),
            "Layers": [len(each) for each in groups.values()],
            "Parameters": [sum(one.parameters for one in each) for each in groups.values()],
            "MACs": pd.array([_summed(each) for each in groups.values()], dtype="Int64"),
        }
    )
    sums = [sum(times.get(one.name, 0.0) for one in each) for each in groups.values()]
    return _with_times(table, sums) if times else table


def _with_times(table: pd.DataFrame, times: Sequence[float | None]) -> pd.DataFrame:
    table["Time (ms)"] = times
    return table


def _summed(layers: Sequence[Layer]) -> int | None:
    counts = [each.macs for each in layers]
    return None if None in counts else sum(filter(None, counts))


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Parameters": number(format="localized"),
        "MACs": number(
            format="localized", help="Multiply-accumulates of one forward pass at the example shape, batch 1."
        ),
        "Time (ms)": number(format="%.4f", help="Of the baseline, from its latest profile."),
    }


def _said(found: Structure, shown: Sequence[Layer]) -> str:
    macs = _summed(shown)
    parts = [
        f"{len(shown):,} of {fmt.plural(len(found.layers), 'layer')}",
        f"{fmt.count(sum(each.parameters for each in shown))} parameters",
        f"{fmt.count(macs)} MACs" if macs is not None else "MACs not countable in some",
    ]
    parts += [f"{found.left_out:,} more are not listed"] if found.left_out else []
    parts += ["as exported to ONNX"] if found.exported else []
    return " · ".join(parts)
