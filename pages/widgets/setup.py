"""Run setup form: preset or manual selection, limits, budget; the count and the time come first."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from core import engine
from core.domain.model import DataSet, SourceModel
from core.domain.quality import Scale
from core.domain.recipe import Recipe
from core.domain.run import Limits, Objective, RunRequest
from core.errors import NotFound, WhetstoneError
from core.metrics.choice import fitting, scale_of, usual_drop
from core.protocols import Metric
from core.registry import runtimes
from core.search.spelling import parse, spell, spell_strategy
from core.views import ModelView, command_for, expected_quality, python_for
from pages import format as fmt
from pages.widgets.address import number, on_change, put, remember_settings, settings
from pages.widgets.by_hand import by_hand
from pages.widgets.commands import same_elsewhere
from pages.widgets.limits import limits_form, limits_set, settings_of
from pages.widgets.machines import machines_to_measure_on
from pages.widgets.page import current, errors_as_words, go, show_error, store
from pages.widgets.plan import what_is_tried
from pages.widgets.presets import BY_HAND, PRESETS, SEARCH, planned, preset_cards
from pages.widgets.strategy import strategy_choice

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
OBJECTIVES = {
    Objective.LATENCY: "Lowest latency",
    Objective.THROUGHPUT: "Highest throughput",
    Objective.SIZE: "Smallest file",
    Objective.MEMORY: "Least memory",
}
SEPARATOR = ";"
BUDGETS = {
    "No limit": None,
    "2 min": 120.0,
    "5 min": 300.0,
    "10 min": 600.0,
    "20 min": 1200.0,
    "30 min": 1800.0,
    "2 h": 7200.0,
}


@dataclass(frozen=True)
class Choice:
    """Chosen preset, recipes, runtimes and strategy."""

    preset: str
    recipes: tuple[Recipe, ...]
    runtimes: tuple[str, ...]
    strategy: str = ""
    strategy_params: dict[str, Any] = field(default_factory=dict)


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


def _parsed(text: str) -> tuple[Recipe, ...]:
    """Return the recipes that an address spells; what is no recipe is passed over."""
    found = []
    for each in filter(None, text.split(SEPARATOR)):
        with suppress(WhetstoneError):
            found.append(parse(each))
    return tuple(found)


def _what(
    view: ModelView, data: DataSet | None, held: Mapping[str, str], owner: str, threads: int, batch: int
) -> Choice:
    st.subheader("What to try", anchor=False)
    preset = held.get("preset", "quick")
    preset = preset if preset in PRESETS else "quick"
    preset_cards(view.model, data, owner, preset, threads, batch)
    if preset == BY_HAND:
        recipes = by_hand(view, _parsed(held.get("recipes", "")), threads, batch)
        put(owner, "recipes", SEPARATOR.join(map(spell, recipes)) or None)
        return Choice("quick", recipes, (), *strategy_choice(held, owner))
    if preset == SEARCH:
        held, preset = {"strategy": SEARCH, **held}, "quick"
    return Choice(preset, (), _runtimes(view, held, owner), *strategy_choice(held, owner))


def _runtimes(view: ModelView, held: Mapping[str, str], owner: str) -> tuple[str, ...]:
    known = {key: runtimes()[key] for key in view.runtimes if runtimes()[key].available().ok}
    before = [key for key in held.get("runtimes", "").split(",") if key in known]
    usual = [key for key in known if not known[key].asked_for]
    st.pills(
        "Runtimes",
        list(known),
        selection_mode="multi",
        default=before or usual,
        format_func=lambda key: known[key].name,
        help="Those that can run this model, as it is or converted. The baseline is measured in any case.",
        **on_change(owner, "runtimes", f"{owner}_runtimes", lambda picked: ",".join(picked) or None),
    )
    picked = tuple(st.session_state[f"{owner}_runtimes"] or ())
    if not picked:
        st.caption(f"None is picked: {', '.join(known[key].name for key in usual)} are used.")
    return () if set(picked) == set(usual) else picked


def _how(model: SourceModel, held: Mapping[str, str], owner: str) -> tuple[float | None, int, int]:
    left, middle, right = st.columns(3)
    seconds = number(held.get("budget"), 1, 1e6)
    budgets = BUDGETS | ({} if seconds in BUDGETS.values() else {fmt.duration(seconds or 0): seconds})
    budget = left.selectbox(
        "Time budget",
        list(budgets),
        list(budgets.values()).index(seconds),
        help="When it is over, the best so far is there.",
        **on_change(owner, "budget", f"{owner}_budget", lambda name: f"{budgets[name] or 0:g}"),
    )
    threads = middle.number_input(
        "Threads",
        min_value=1,
        max_value=engine.MOST_THREADS,
        value=int(number(held.get("threads"), 1, engine.MOST_THREADS) or 1),
        help="Of every runtime, the baseline too.",
        **on_change(owner, "threads", f"{owner}_threads"),
    )
    fixed = model.fixed_batch
    batch = right.number_input(
        "Batch (samples per call)",
        min_value=1,
        max_value=engine.MOST_BATCH,
        value=fixed or int(number(held.get("batch"), 1, engine.MOST_BATCH) or 1),
        disabled=fixed is not None,
        help=f"This model takes {fixed} only." if fixed else "Latency is measured at this batch.",
        **on_change(owner, "batch", f"{owner}_batch"),
    )
    return budgets[str(budget)], int(threads), int(batch)


def _summary(request: RunRequest, by_hand: bool) -> bool:
    """Draw the count and the estimate; return whether the run can start."""
    if by_hand and not request.recipes:
        st.info("Tick at least one technique on one runtime.", icon=":material/check_box:")
        return False
    try:
        # With its budget the estimate is the budget: whether that cuts anything off would not show.
        count, seconds, more = planned(replace(request, budget_s=None))
    except WhetstoneError as error:
        show_error(error)
        return False
    if count + more < 1:
        st.warning(
            "Nothing of that can run here. Choose other techniques or runtimes.", icon=":material/block:"
        )
        return False
    added = f" and up to **{more} more** as results come in" if more else ""
    kinds = len(request.measure_on)
    where = f" on **{kinds} kinds of machine**" if kinds > 1 else ""
    text = f"**{fmt.plural(count, 'candidate')}**{where} beside your model{added}, "
    if more and request.budget_s is not None:
        text += f"**{fmt.duration(request.budget_s)}** at most"
    else:
        text += f"**{fmt.roughly(seconds)}**"
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


def set_up_again(request: RunRequest) -> None:
    """Let the next set-up of the same model begin with what `request` asked for."""
    searches = request.strategy == SEARCH and request.preset == "quick"
    told = {
        "preset": BY_HAND if request.recipes else SEARCH if searches else request.preset,
        "recipes": SEPARATOR.join(map(spell, request.recipes)),
        "strategy": spell_strategy(request.strategy, request.strategy_params),
        "runtimes": ",".join(request.runtimes),
        "budget": f"{request.budget_s or 0:g}",
        "threads": str(request.threads),
        "batch": str(request.batch),
        "metric": request.metric,
        "objective": request.objective.value,
        "machines": ",".join(request.measure_on),
    }
    told = {name: text for name, text in told.items() if text} | settings_of(request.limits)
    remember_settings(f"new_{request.model_id}", told)


def _metric(fit: Mapping[str, Metric], chosen: Metric, owner: str) -> None:
    """Draw the choice of the metric; a limit in another unit is forgotten with it."""

    def picked(metric_id: str) -> str:
        put(owner, "drop", None)
        return metric_id

    st.selectbox(
        "Metric",
        list(fit),
        list(fit).index(chosen.id),
        format_func=lambda key: scale_of(fit[key]).title,
        help="What candidates are held to on the labels; the limit is in its unit.",
        **on_change(owner, "metric", f"{owner}_metric", picked),
    )


def _objective(held: Mapping[str, str], owner: str) -> Objective:
    """Draw the choice of what is looked for within the limits, and return it."""
    known = list(OBJECTIVES)
    chosen = held.get("objective", "")
    picked: Objective = st.selectbox(
        "Look for",
        known,
        known.index(Objective(chosen)) if chosen in known else 0,
        format_func=OBJECTIVES.__getitem__,
        help="What is recommended within the limits: the candidate that is best in this.",
        **on_change(owner, "objective", f"{owner}_objective"),
    )
    return picked


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
            _metric(fit, metric, owner)
        objective = _objective(held, owner)
        scale = Scale() if metric is None else scale_of(metric)
        limits_form(limits, quality=quality, size_mb=half, owner=owner, scale=scale, usual=usual)
    with right:
        st.subheader("Time and threads", anchor=False)
        budget, threads, batch = _how(model, held, owner)
        machines = machines_to_measure_on(held.get("machines", ""), owner)
    with place:
        choice = _what(view, data, held, owner, threads, batch)
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
        ready = _summary(request, held.get("preset") == BY_HAND)
        _start(request, ready)
    if ready:
        what_is_tried(replace(request, budget_s=None))
        same_elsewhere(command_for(model, data, request), python_for(model, data, request))
