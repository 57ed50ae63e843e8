"""Data set widget: upload, built-in set or none; what was prepared, and preprocessing options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core import engine
from core.domain.model import DataSet, SourceModel
from core.errors import DataMismatch, NotFound, WhetstoneError
from core.registry import data_formats
from pages import format as fmt
from pages.widgets.page import current, remember, show_error, store
from pages.widgets.params import params_form
from pages.widgets.preview import preview
from pages.widgets.uploader import uploader

UPLOAD, BUILT_IN, NONE = "Upload a file", "Built-in set", "No data"
ICONS = {UPLOAD: ":material/upload:", BUILT_IN: ":material/school:", NONE: ":material/block:"}
FAILED = "data_failed"
HINT = (
    "An .npz of arrays, a .zip of images (one folder a class, or with boxes as COCO or YOLO has them), or a "
    ".csv with a column of labels, be they classes or numbers to predict."
)


def _add(
    model: SourceModel,
    source: Path | str,
    params: dict[str, Any],
    format_id: str = "",
    training: Path | None = None,
) -> None:
    name = source.name if isinstance(source, Path) else source
    try:
        with st.spinner(f"Preparing {fmt.plain(name)}", show_time=True):
            data = engine.add_data(store(), source, model, params, format_id, training=training)
    except WhetstoneError as error:
        st.session_state[FAILED] = (training or source, error)
        return
    st.session_state.pop(FAILED, None)
    st.session_state[f"source_of_{data.id}"] = str(source)
    remember("data", data.id)
    st.query_params["data"] = data.id
    st.rerun()


def chosen_data(model: SourceModel) -> DataSet | None:
    """Return the data of the address where they are for this model."""
    data_id = current("data")
    if data_id is None:
        return None
    try:
        found: DataSet = store().data.get(data_id)
    except NotFound:
        remember("data", None)
        return None
    return found if found.inputs == tuple(spec.name for spec in model.inputs) else None


def _adjust(model: SourceModel, data: DataSet) -> None:
    source, kind = _source_of(data), data_formats().get(data.origin)
    if kind is None or source is None:
        return
    with st.expander("Prepare it differently", icon=":material/tune:"), st.form("prepare", border=False):
        with st.grid(2, min_column_width=200):
            values = params_form(kind.Params, key="prepare")
        if st.form_submit_button("Prepare again", icon=":material/refresh:"):
            _add(model, source, values, data.origin)


def _prepared(model: SourceModel, data: DataSet) -> None:
    with st.container(border=True):
        head, button = st.columns([5, 2], vertical_alignment="center")
        kind = "labelled" if data.labelled else "no labels: fidelity only"
        head.markdown(
            f"**{fmt.plain(data.name)}** :green-badge[:material/check: Fits the model] :gray-badge[{kind}]"
        )
        if button.button("Other data", icon=":material/swap_horiz:", key="other_data", width="stretch"):
            remember("data", None)
            st.rerun()
        st.caption(_parts(data))
        preview(data)
        _adjust(model, data)
        _training(model, data)


def _parts(data: DataSet) -> str:
    """Return how many samples each part of the data got, in a sentence."""
    parts = {
        "to train": data.training_samples,
        "for calibration": data.calibration_samples,
        "for a search to look at": data.search_samples,
        "to test": data.evaluation_samples - data.search_samples,
    }
    listed = ", ".join(f"{count:,} {use}" for use, count in parts.items() if count)
    searched = (
        " A run that does not search tests with the search's samples, too." if data.search_samples else ""
    )
    return f"Samples: {listed}; none that tests is in another part.{searched}"


def _training(model: SourceModel, data: DataSet) -> None:
    """Offer a training set of its own, for techniques that train."""
    source = _source_of(data)
    if data.training_samples or source is None:
        return
    with st.expander("Add a training set", icon=":material/school:"):
        st.caption("For techniques that train. Rows that are evaluated are left out of it.")
        path = uploader("Drop the training data here, or choose a file", HINT, key="training_upload")
        if path is not None:
            _add(model, source, {}, training=path)
            _failed(model)


def _source_of(data: DataSet) -> Path | str | None:
    """Return the file or the name that `data` was made of, as far as this session knows."""
    kind = data_formats().get(data.origin)
    known = data.name if kind is not None and kind.sets else None
    source: str | None = st.session_state.get(f"source_of_{data.id}", known)
    if source is None:
        return None
    return Path(source) if Path(source).exists() else source


def _choose(model: SourceModel) -> None:
    way = st.segmented_control(
        "Where the data comes from",
        [UPLOAD, BUILT_IN, NONE],
        default=UPLOAD,
        required=True,
        format_func=lambda option: f"{ICONS[option]} {option}",
        label_visibility="collapsed",
        key="data_way",
    )
    if way == UPLOAD:
        path = uploader("Drop data here, or choose a file", HINT, key="data_upload")
        if path is not None:
            _add(model, path, {})
    elif way == BUILT_IN:
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        sets = {name: text for each in data_formats().values() for name, text in each.sets.items()}
        name = left.selectbox("Built-in set", list(sets), format_func=lambda key: sets[key], key="data_set")
        if right.button("Use it", icon=":material/check:", key="use_set", width="stretch"):
            _add(model, str(name), {})
    else:
        st.caption(
            "Random inputs that fit the model are enough to measure speed, size and memory. Instead of "
            "accuracy you will see fidelity, such as how often a candidate predicts the same class as the "
            "baseline. INT8 needs real samples to find good ranges, so expect it to look worse than it is."
        )


def _failed(model: SourceModel) -> None:
    """Say why the last data cannot be used; what may be a matter of its preparation can be read again."""
    source, error = st.session_state.get(FAILED, (None, None))
    if error is None:
        return
    show_error(error)
    if not isinstance(error, DataMismatch) or not isinstance(source, Path) or not source.exists():
        return
    kinds = {key: kind for key, kind in data_formats().items() if kind.suffixes}
    likely = [key for key in kinds if source.suffix.lower() in kinds[key].suffixes]
    with st.container(border=True):
        st.markdown(f"**Say more about {fmt.plain(source.name)} and read it again**")
        kind = st.selectbox(
            "It holds",
            list(kinds),
            list(kinds).index(likely[-1]) if likely else 0,
            format_func=lambda key: kinds[key].name[:1].upper() + kinds[key].name[1:],
            key="again_kind",
        )
        with st.form("again", border=False):
            with st.grid(2, min_column_width=200):
                values = params_form(kinds[kind].Params, key=f"again_{kind}")
            if st.form_submit_button("Read it again", icon=":material/refresh:"):
                _add(model, source, values, kind)
                st.rerun()


def data_section(model: SourceModel) -> None:
    """Draw the chosen data, or the choice of data."""
    data = chosen_data(model)
    if data is not None:
        _prepared(model, data)
    else:
        _choose(model)
        _failed(model)
