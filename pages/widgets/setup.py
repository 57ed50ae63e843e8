"""Setting up a run: what to try, within which limits, how long; the count and the time come first."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import engine
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Limits, RunRequest
from core.errors import NotFound, WhetstoneError
from core.registry import runtimes
from core.views import ModelView, command_for, expected_quality, python_for
from pages.widgets import format as fmt
from pages.widgets.by_hand import grid, recipes_of
from pages.widgets.commands import same_elsewhere
from pages.widgets.limits import limits_form
from pages.widgets.page import current, emphasis, errors_as_words, go, show_error, store

BY_HAND = "by_hand"
PRESETS = {
    "quick": ("Quick", "bolt", "The few techniques that usually win on a model like this."),
    "balanced": ("Balanced", "balance", "More precisions, calibrations and pruning."),
    "thorough": ("Thorough", "travel_explore", "Everything that could win, chained techniques included."),
    BY_HAND: ("By hand", "back_hand", "You tick techniques and runtimes, and set their parameters."),
}
BUDGETS = {"No limit": None, "2 min": 120.0, "5 min": 300.0, "10 min": 600.0, "30 min": 1800.0, "2 h": 7200.0}


@dataclass(frozen=True)
class Choice:
    """What to try."""

    preset: str
    recipes: tuple[Recipe, ...]
    runtimes: tuple[str, ...]


def _data() -> DataSet | None:
    data_id = current("data")
    try:
        return store().data.get(data_id) if data_id else None
    except NotFound:
        return None


def _head(model: SourceModel, data: DataSet | None) -> None:
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(f"## Optimize {fmt.plain(model.name)}", anchors=False)
    samples = (
        f"{fmt.plain(data.name)}, {data.evaluation_samples:,} samples" if data else "no data: fidelity only"
    )
    left.caption(f":material/dataset: {samples}")
    if right.button(
        "Change", icon=":material/edit:", key="change_model", width="stretch", help="Model and data"
    ):
        go("model.py", model=model.id, **({"data": data.id} if data else {}))


@st.cache_data(ttl=60, show_spinner=False)
def _plan(request: RunRequest) -> tuple[int, float]:
    planned = engine.plan(store(), request)
    return planned.count, planned.estimate_s


def _card(key: str, model: SourceModel, data: DataSet | None, chosen: bool, threads: int, batch: int) -> None:
    title, icon, text = PRESETS[key]
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f":material/{icon}: **{title}**" + (" :green[:material/check_circle:]" if chosen else ""))
        st.markdown(f":gray[{text}]")
        st.space("stretch")
        if key == BY_HAND:
            st.caption("You choose")
        else:
            try:
                request = RunRequest(model.id, data.id if data else None, key, threads=threads, batch=batch)
                number, seconds = _plan(request)
                st.caption(f"{fmt.plural(number, 'candidate')}, about {fmt.duration(seconds)}")
            except WhetstoneError as error:
                st.caption(fmt.plain(error.message))
        kind = emphasis(chosen)
        if st.button("Chosen" if chosen else "Choose", key=f"preset_{key}", type=kind, width="stretch"):
            st.session_state["preset"] = key
            st.rerun()


def _what(view: ModelView, data: DataSet | None, threads: int, batch: int) -> Choice:
    st.subheader("What to try", anchor=False)
    preset = st.session_state.setdefault("preset", "quick")
    with st.grid(4, min_column_width=200):
        for key in PRESETS:
            _card(key, view.model, data, key == preset, threads, batch)
    if preset == BY_HAND:
        pairs = grid(view.model, view.techniques)
        return Choice("quick", recipes_of(view.model, pairs, threads, batch), ())
    return Choice(preset, (), _runtimes())


def _runtimes() -> tuple[str, ...]:
    known = {key: runtime for key, runtime in runtimes().items() if runtime.available().ok}
    picked = st.pills(
        "Runtimes",
        list(known),
        selection_mode="multi",
        default=list(known),
        format_func=lambda key: known[key].name,
        key="runtimes",
        help="The baseline is measured in any case.",
    )
    chosen = tuple(picked) if isinstance(picked, list) else ()
    return () if set(chosen) == set(known) else chosen


def _how(model: SourceModel) -> tuple[float | None, int, int]:
    left, middle, right = st.columns(3)
    budget = left.selectbox(
        "Time budget", list(BUDGETS), key="budget", help="When it is over, the best so far is there."
    )
    threads = middle.number_input(
        "Threads", 1, 256, 1, key="threads", help="Of every runtime, the baseline too."
    )
    fixed = model.fixed_batch
    batch = right.number_input(
        "Batch (samples per call)",
        min_value=1,
        max_value=4096,
        value=fixed or 1,
        disabled=fixed is not None,
        key="batch",
        help=f"This model takes {fixed} only." if fixed else "Latency is measured at this batch.",
    )
    return BUDGETS[str(budget)], int(threads), int(batch)


def _summary(request: RunRequest, by_hand: bool) -> bool:
    """Draw the count and the estimate; return whether the run can start."""
    if by_hand and not request.recipes:
        st.info("Tick at least one technique on one runtime.", icon=":material/check_box:")
        return False
    try:
        number, seconds = _plan(request)
    except WhetstoneError as error:
        show_error(error)
        return False
    if number < 1:
        st.warning(
            "Nothing of that can run here. Choose other techniques or runtimes.", icon=":material/block:"
        )
        return False
    text = f"**{fmt.plural(number, 'candidate')}** beside your model, about **{fmt.duration(seconds)}**"
    if request.budget_s is not None and request.budget_s < seconds:
        text += (
            f"; the budget of {fmt.duration(request.budget_s)} stops it before, likely good ones come first"
        )
    st.markdown(f":material/timer: {text}.")
    return True


def _start(request: RunRequest, ready: bool) -> None:
    """Draw the button, and start the run when it is pressed."""
    if st.button("Run", type="primary", icon=":material/play_arrow:", disabled=not ready, key="run"):
        with errors_as_words():
            go("optimize.py", run=engine.submit(store(), request).id)


def setup(view: ModelView) -> None:
    """Draw the set-up of a run and start it."""
    model, data = view.model, _data()
    _head(model, data)
    place = st.container()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Limits", anchor=False)
        quality = expected_quality(model, data)
        limits: Limits = limits_form(
            Limits(), quality=quality, size_mb=max(0.1, round(model.size_bytes / 2e6, 1)), key="set"
        )
    with right:
        st.subheader("Time and threads", anchor=False)
        budget, threads, batch = _how(model)
    with place:
        choice = _what(view, data, threads, batch)
    by_hand = st.session_state["preset"] == BY_HAND
    request = RunRequest(
        model.id,
        data.id if data else None,
        choice.preset,
        choice.recipes,
        choice.runtimes,
        limits,
        budget,
        threads,
        batch,
    )
    st.space("small")
    ready = _summary(request, by_hand)
    _start(request, ready)
    if ready:
        same_elsewhere(command_for(model, data, request), python_for(model, data, request))
