"""Model page: signature, applicable techniques, limitations and data."""

from __future__ import annotations

import streamlit as st

from core import views
from core.domain.model import TASKS, SourceModel
from core.registry import get_pass, sources
from core.views import ModelView
from pages import format as fmt
from pages.widgets.dataset import NONE, data_section
from pages.widgets.deletion import delete_buttons
from pages.widgets.models import read_again, task_choice, upload_box
from pages.widgets.page import current, emphasis, empty, go, remember, store
from pages.widgets.table import height_of


def identity(model: SourceModel) -> None:
    """Draw the head: the name and the figures that describe a model."""
    task = TASKS.get(model.task, TASKS["other"])
    kind = sources()[model.format].name
    st.markdown(f"## {fmt.plain(model.name)} :gray-badge[{kind}] :blue-badge[{task}]", anchors=False)
    with st.grid(4, min_column_width=150):
        classes = model.classes_judged(labelled=False)
        st.metric("Classes", str(classes) if classes else fmt.NONE)
        st.metric("Parameters", fmt.count(model.parameters))
        st.metric("MACs", fmt.count(model.macs), help="Multiply-accumulates of one forward pass at batch 1.")
        st.metric("File", fmt.size(model.size_bytes))


def tensors(model: SourceModel) -> None:
    """Draw inputs and outputs."""
    rows = [("Input", spec) for spec in model.inputs] + [("Output", spec) for spec in model.outputs]
    st.dataframe(
        {
            "Tensor": [kind for kind, _ in rows],
            "Name": [spec.name for _, spec in rows],
            "Type": [spec.dtype for _, spec in rows],
            "Shape": [fmt.shape(spec.shape) for _, spec in rows],
            "Example": [fmt.shape(spec.resolve(model.symbols)) for _, spec in rows],
        },
        hide_index=True,
        height=height_of(len(rows)),
        alt="Inputs and outputs",
    )
    facts = [f"SHA-256 {model.sha256[:12]}…"]
    facts += [f"opset {model.opset}"] if model.opset else []
    facts += [f"architecture {fmt.plain(str(model.architecture.get('name')))}"] if model.architecture else []
    facts += [f"batch fixed at {model.fixed_batch}"] if model.fixed_batch else ["any batch size"]
    st.caption(" · ".join(facts))


def possibilities(view: ModelView) -> None:
    """Draw what can be done, and what cannot with the reason and what to do."""
    can = sorted((row for row in view.techniques if row.applicable), key=lambda row: get_pass(row.id).bridges)
    cannot = [row for row in view.techniques if not row.applicable]
    st.subheader("What can be done", anchor=False)
    for row in can:
        st.markdown(f":green[:material/check_circle:] **{row.name}**  \n:gray[{row.summary}]")
    if cannot:
        st.subheader("What cannot, and why", anchor=False)
    for row in cannot:
        reason = f"{fmt.plain(row.reason)} :gray[{fmt.plain(row.hint)}]"
        st.markdown(f":orange[:material/block:] **{row.name}**  \n{reason}")
    if view.model.notes:
        st.subheader("Worth knowing", anchor=False)
    for note in view.model.notes:
        st.markdown(f":orange[:material/info:] {fmt.plain(note.message)} :gray[{fmt.plain(note.hint)}]")


def no_model() -> None:
    """Draw the page without a model."""
    box = empty("deployed_code", "No model yet", "Upload one, or take a sample from the start page.")
    with box:
        known = store().models.list()[:8]
        if known:
            st.markdown("Or go on with one that was uploaded before:", text_alignment="center")
            with st.container(horizontal=True, horizontal_alignment="center"):
                for model in known:
                    if st.button(
                        fmt.plain(model.name), key=f"known_{model.id}", icon=":material/deployed_code:"
                    ):
                        go("model.py", model=model.id)
    upload_box()


def show(model_id: str) -> None:
    """Draw a model."""
    view = views.model_view(store(), model_id)
    model = view.model
    identity(model)
    st.space("small")
    left, right = st.columns([5, 4], gap="large")
    with left:
        data = data_section(model)
        label = "Set up the run" if data else "Go on without data"
        ids = {"model": model.id} | ({"data": data.id} if data else {})
        eager = data is not None or st.session_state.get("data_way") == NONE
        if st.button(label, type=emphasis(eager), icon=":material/arrow_forward:", key="next"):
            remember("run", None)
            go("optimize.py", **ids)
        st.space("small")
        task_choice(model)
        st.subheader("Inputs and outputs", anchor=False)
        tensors(model)
        with st.expander("Another name, architecture or example shape", icon=":material/edit:"):
            read_again(model)
        delete_buttons(model, data)
    with right:
        possibilities(view)


chosen = current("model")
if chosen:
    show(chosen)
else:
    no_model()
