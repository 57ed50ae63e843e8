"""Export page: build a model for deployment targets, and see which format suits where."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from core import engine
from core.domain.export import Export
from core.domain.model import DataSet, SourceModel
from core.domain.run import Limits, RunRequest
from core.errors import WhetstoneError
from core.metrics.choice import chosen, usual_drop
from core.registry import targets
from core.search.exports import export_recipe
from core.views import command_for, python_for, refreshed, run_view
from core.views.exports import export_run, latest_exports, target_rows, tolerance_told
from core.views.format_guide import format_guide
from pages import format as fmt
from pages.widgets.address import settings
from pages.widgets.commands import same_elsewhere
from pages.widgets.dataset import chosen_data
from pages.widgets.export.cards import target_cards
from pages.widgets.export.guide import guide
from pages.widgets.export.rows import result_rows
from pages.widgets.page import current, empty, errors_as_words, go, show_error, store
from pages.widgets.presets import planned
from pages.widgets.run_header import cancel_button, outcome, progress_bar

POLL_S, PATIENCE_S = 1.0, 10.0


def no_model() -> None:
    """Draw the page without a model."""
    box = empty("ios_share", "Nothing to export yet", "Take a model first; its page leads here.")
    with box, st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Choose a model", type="primary", icon=":material/deployed_code:", key="to_model"):
            go("model.py")


def head(model: SourceModel, data: DataSet | None) -> None:
    """Draw the name of the model and the data that exports are compared on."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(f"## Export {fmt.plain(model.name)}", anchors=False)
    known = f"{fmt.plain(data.name)}, {data.evaluation_samples:,} samples" if data else "random inputs"
    left.caption(f":material/dataset: Outputs are compared with the original's on {known}.")
    if data is None:
        left.caption(":material/info: Static INT8 finds its ranges on data: add some for a file of use.")
    if right.button(
        "Change", icon=":material/edit:", key="change_model", width="stretch", help="Model and data"
    ):
        go("model.py", model=model.id, **({"data": data.id} if data else {}))


def asked(model: SourceModel, data: DataSet | None, exports: Sequence[Export]) -> RunRequest:
    """Return the request of these exports."""
    batch = model.fixed_batch or 1
    recipes = tuple(export_recipe(each, model, 1, batch) for each in exports)
    return RunRequest(
        model.id,
        data.id if data else None,
        recipes=recipes,
        limits=Limits(None),
        batch=batch,
        exports=tuple(exports),
    )


def build(model: SourceModel, data: DataSet | None, exports: Sequence[Export], busy: bool) -> None:
    """Draw the button that builds what is chosen, with the time it will take."""
    request, ready = asked(model, data, exports), bool(exports) and not busy
    with st.container(horizontal=True, vertical_alignment="center"):
        label = f"Build {fmt.plural(len(exports), 'export')}" if exports else "Build"
        pressed = st.button(label, type="primary", icon=":material/build:", disabled=not ready, key="build")
        if not exports:
            st.markdown(":gray[Pick precisions of the targets above.]")
        elif busy:
            st.markdown(":gray[The exports below are built first.]")
        else:
            try:
                st.markdown(
                    f":material/timer: {fmt.roughly(planned(request)[1])}, your model measured beside them."
                )
            except WhetstoneError as error:
                show_error(error)
    if pressed:
        with errors_as_words():
            engine.submit(store(), request)
            st.rerun()
    if exports:
        same_elsewhere(command_for(model, data, request), python_for(model, data, request))


@st.fragment(run_every=POLL_S)
def watch(run_id: str, revision: int) -> None:
    """Draw how far a run of exports is, and the page anew when it has moved."""
    with errors_as_words():
        run = store().runs.get(run_id)
        if run.revision != revision:
            st.rerun()
        if time.time() - (run.heartbeat or run.created) > PATIENCE_S:
            engine.recover(store())
        left, right = st.columns([8, 1], vertical_alignment="center")
        view = refreshed(store(), run_view(store(), run_id))
        with left:
            progress_bar(view)
        with right:
            cancel_button(view)


def results(model: SourceModel) -> None:
    """Draw the newest run of exports, and what came of all of them."""
    run = export_run(store(), model.id)
    rows = latest_exports(store(), model.id)
    if run is None:
        return
    st.subheader("Exports", anchor=False)
    if run.status.active:
        watch(run.id, run.revision)
    else:
        outcome(run_view(store(), run.id))
    result_rows(rows)
    with st.expander("How far outputs may lie from the original's", icon=":material/rule:"):
        st.markdown("An export that lies further away is a failed one. SQNR: signal to noise ratio.")
        for each in dict.fromkeys(
            precision for target in targets().values() for precision in target.precisions
        ):
            st.markdown(f"- {tolerance_told(each)}")


def show(model_id: str) -> None:
    """Draw the page of a model."""
    model = store().models.get(model_id)
    data = chosen_data(model)
    owner = f"export_{model.id}"
    head(model, data)
    rows, built = target_rows(model), latest_exports(store(), model.id)
    chosen_exports = target_cards(model, rows, built, settings(owner, tuple(targets())), owner)
    run = export_run(store(), model.id)
    build(model, data, chosen_exports, run is not None and run.status.active)
    results(model)
    drop = usual_drop(chosen("", model, data), data)
    guide(format_guide(rows, built, Limits(drop), data))


model_id = current("model")
if model_id:
    show(model_id)
else:
    no_model()
