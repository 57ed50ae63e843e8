"""Run setup form: what to try, limits, budget; the count and the time come first."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.domain.model import DataSet, SourceModel
from core.domain.quality import Scale
from core.domain.run import Limits, RunRequest
from core.errors import NotFound
from core.metrics.choice import fitting, scale_of, usual_drop
from core.views import ModelView, command_for, expected_quality, python_for
from pages import format as fmt
from pages.widgets.address import settings
from pages.widgets.commands import same_elsewhere
from pages.widgets.limits import limits_form, limits_set
from pages.widgets.machines import machines_to_measure_on
from pages.widgets.page import current, go, store
from pages.widgets.plan import what_is_tried
from pages.widgets.presets import BY_HAND
from pages.widgets.setup.candidates import what_to_try
from pages.widgets.setup.measuring import metric_choice, objective_choice, time_and_threads
from pages.widgets.setup.start import start, summary

NAMES = (
    "metric",
    "preset",
    "strategy",
    "runtimes",
    "recipes",
    "budget",
    "threads",
    "batch",
    "objective",
    "machines",
    "drop",
    "latency",
    "size",
    "memory",
    "rate",
)


def setup(view: ModelView) -> None:
    """Draw the set-up of a run and start it."""
    model, data = view.model, _data()
    owner = f"new_{model.id}"
    held = settings(owner, NAMES)
    fit = {metric.id: metric for metric in fitting(model, data)}
    metric = fit.get(held.get("metric", "")) or next(iter(fit.values()), None)
    usual = usual_drop(metric, data)
    limits = limits_set(Limits(usual), held)
    _head(model, data)
    place = st.container()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Limits", anchor=False)
        quality = expected_quality(model, data)
        half = max(0.1, round(model.size_bytes / 2e6, 1))
        if metric is not None and len(fit) > 1:
            metric_choice(fit, metric, owner)
        objective = objective_choice(held, owner)
        scale = Scale() if metric is None else scale_of(metric)
        limits_form(limits, quality=quality, size_mb=half, owner=owner, scale=scale, usual=usual)
    with right:
        st.subheader("Time and threads", anchor=False)
        budget, threads, batch = time_and_threads(model, held, owner)
        machines = machines_to_measure_on(held.get("machines", ""), owner)
    with place:
        choice = what_to_try(view, data, held, owner, threads, batch)
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
        metric=held.get("metric", "") if held.get("metric", "") in fit else "",
        strategy=choice.strategy,
        strategy_params=choice.strategy_params,
        objective=objective,
        measure_on=machines,
    )
    with right:
        st.subheader("What comes of it", anchor=False)
        ready = summary(request, held.get("preset") == BY_HAND)
        start(request, ready)
    if ready:
        what_is_tried(replace(request, budget_s=None))
        same_elsewhere(command_for(model, data, request), python_for(model, data, request))


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
