"""How a run is measured and judged: metric, objective, time budget, threads and batch."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core import engine
from core.domain.model import SourceModel
from core.domain.run import Objective
from core.metrics.choice import scale_of
from core.protocols import Metric
from pages import format as fmt
from pages.widgets.address import number, on_change, put

OBJECTIVES = {
    Objective.LATENCY: "Lowest latency",
    Objective.THROUGHPUT: "Highest throughput",
    Objective.SIZE: "Smallest file",
    Objective.MEMORY: "Least memory",
}
BUDGETS = {
    "No limit": None,
    "2 min": 120.0,
    "5 min": 300.0,
    "10 min": 600.0,
    "20 min": 1200.0,
    "30 min": 1800.0,
    "2 h": 7200.0,
}


def metric_choice(fit: Mapping[str, Metric], chosen: Metric, owner: str) -> None:
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


def objective_choice(held: Mapping[str, str], owner: str) -> Objective:
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


def time_and_threads(
    model: SourceModel, held: Mapping[str, str], owner: str
) -> tuple[float | None, int, int]:
    """Draw the time budget in seconds, the threads and the batch, and return them."""
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
