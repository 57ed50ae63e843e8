"""Model page: what a model is, the way on to a run, and tabs with data, techniques, layers and graph."""

from __future__ import annotations

import streamlit as st

from core import views
from core.domain.model import TASKS, DataSet, SourceModel
from core.registry import sources
from pages import format as fmt
from pages.widgets.address import settings
from pages.widgets.dataset import NONE, chosen_data
from pages.widgets.deletion import delete_buttons
from pages.widgets.model import owner, tabs
from pages.widgets.models import upload_box
from pages.widgets.page import current, emphasis, empty, go, remember, store


def identity(model: SourceModel) -> None:
    """Draw the head: the name and the figures that describe a model."""
    task = TASKS.get(model.task, TASKS["other"])
    kind = sources()[model.format].name
    st.markdown(f"## {fmt.plain(model.name)} :gray-badge[{kind}] :blue-badge[{task}]", anchors=False)
    with st.grid(4, min_column_width=150):
        classes = model.classes_judged(labelled=False)
        st.metric("Classes" if classes else "Outputs", str(classes or len(model.outputs)))
        st.metric("Parameters", fmt.count(model.parameters))
        help = "Multiply-accumulates of one forward pass at batch 1."
        unknown = " They could not be counted: sizes within the network depend on its inputs."
        st.metric("MACs", fmt.count(model.macs), help=help if model.macs else help + unknown)
        st.metric("File", fmt.size(model.size_bytes))


def next_step(model: SourceModel, data: DataSet | None) -> None:
    """Draw the line that leads on: which data a run would use, and the button."""
    eager = data is not None or st.session_state.get("data_way") == NONE
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if data is not None:
            kind = "with labels" if data.labelled else "without labels: fidelity instead of accuracy"
            samples = f"{data.evaluation_samples:,} samples to judge by, {kind}"
            st.markdown(f":material/dataset: **{fmt.plain(data.name)}**: {samples}", width="stretch")
        else:
            text = "A few hundred labelled samples make INT8 accurate and show what is lost."
            st.markdown(f":material/dataset: **No data yet.** {text}", width="stretch")
        label = "Set up the run" if data else "Go on without data"
        if st.button(label, type=emphasis(eager), icon=":material/arrow_forward:", key="next"):
            remember("run", None)
            go("optimize.py", model=model.id, **({"data": data.id} if data else {}))
        if st.button(
            "Export", icon=":material/ios_share:", key="to_export", help="To the format of a device"
        ):
            go("export.py", model=model.id, **({"data": data.id} if data else {}))


def no_model() -> None:
    """Draw the page without a model."""
    known = [each for each in store().models.list() if each.files][:8]
    text = "Upload one, or take a sample from the start page."
    if not known:
        empty("deployed_code", "No model yet", text)
    else:
        box = empty("deployed_code", "Choose a model", f"Go on with one that is known here. {text}")
        with box, st.container(horizontal=True, horizontal_alignment="center"):
            told = [f"{fmt.size(each.size_bytes)}, {each.id[:4]}" for each in known]
            names = fmt.apart([each.name for each in known], told)
            for model, name in zip(known, names, strict=True):
                if st.button(
                    fmt.plain(name),
                    key=f"known_{model.id}",
                    icon=":material/deployed_code:",
                    help=f"{sources()[model.format].name}, {fmt.count(model.parameters)} parameters",
                ):
                    go("model.py", model=model.id)
    upload_box()


def show(model_id: str) -> None:
    """Draw a model."""
    view = views.model_view(store(), model_id)
    model, data = view.model, chosen_data(view.model)
    identity(model)
    next_step(model, data)
    tabs(view, settings(owner(view), ("tab",)).get("tab"))
    delete_buttons(model, data)


chosen = current("model")
if chosen:
    show(chosen)
else:
    no_model()
