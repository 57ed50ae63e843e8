"""Signature tab: inputs, outputs, example shapes, and what the model is for."""

from __future__ import annotations

import streamlit as st

from core.domain.model import SourceModel
from core.views import ModelView
from pages import format as fmt
from pages.widgets.models import read_again, task_choice
from pages.widgets.table import height_of


def signature(view: ModelView) -> None:
    """Draw inputs and outputs, the task, and the form for other example shapes."""
    model = view.model
    tensors(model)
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.subheader("Task", anchor=False)
        task_choice(model)
    with right:
        st.subheader("Another example shape, name or architecture", anchor=False)
        read_again(model)


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
