"""What production adds to the inference: load, first call, pre- and postprocessing; and the cost."""

from __future__ import annotations

import streamlit as st

from core.domain.measurement import Timing
from core.domain.run import Result
from core.insights.costs import FORMULAS, Basis, cost_per_million
from core.views import CandidateView, details
from pages import format as fmt
from pages.widgets.address import RUN, settings
from pages.widgets.page import store
from pages.widgets.view_options import price_input, price_of

Line = tuple[str, str, str]


def production(view: CandidateView, result: Result) -> None:
    """Draw the times of a service: once at its start, and for each sample."""
    once, each = st.columns(2, gap="large")
    with once:
        st.subheader("At the start", anchor=False)
        _table(_start(result.timing), "Times at the start")
    with each:
        st.subheader("For each sample", anchor=False)
        _table(_sample(view, result.timing), "Times for each sample")


def _table(lines: list[Line], alt: str) -> None:
    columns = zip(*lines, strict=True)
    names = ("Step", "Time", "What it is")
    st.table(dict(zip(names, map(list, columns), strict=True)), border="horizontal", hide_index=True, alt=alt)


def _start(timing: Timing) -> list[Line]:
    first = timing.first_ms
    total = timing.load_ms + (first or 0.0)
    return [
        ("Cold load", fmt.ms(timing.load_ms), "the first load of the artifact in a fresh process"),
        (
            "First inference",
            fmt.ms(first, "not recorded"),
            "the first call after it, with what the runtime prepares then",
        ),
        ("Ready after", fmt.ms(total) if first is not None else fmt.NONE, "both together, libraries aside"),
        ("Warm load", fmt.ms(timing.warm_load_ms), "the second load in the same process"),
    ]


def _sample(view: CandidateView, timing: Timing) -> list[Line]:
    data_id = view.run.run.data_id
    data = view.run.data or (store().data.get(data_id) if data_id else None)
    before = data.preprocess_ms if data is not None else None
    detail = details(store(), view.run).get(view.row.id)
    after = detail.postprocess_ms if detail is not None else None
    batch = view.row.candidate.recipe.target.batch
    inference = timing.latency.p50 / batch
    shared = f"the median of a call, shared by {batch} samples" if batch > 1 else "the median of a call"
    how = "reading, decoding, resizing and normalizing a file, on one core, as the data were prepared"
    return [
        ("Preprocessing", fmt.ms(before, "not measured"), how if before else "the data came as arrays"),
        ("Inference", fmt.ms(inference), shared),
        (
            "Postprocessing",
            fmt.ms(after, "none"),
            detail.postprocess
            if detail is not None and after is not None
            else "the outputs are taken as they are",
        ),
        ("Total", fmt.ms((before or 0.0) + inference + (after or 0.0)), _total(before)),
    ]


def _total(before: float | None) -> str:
    return "as production will see it" if before else "what was measured; preprocessing comes on top"


def cost(view: CandidateView, timing: Timing) -> None:
    """Draw what a million inferences cost at an hourly price."""
    owner = view.run.run.id
    held = settings(owner, (*RUN, "tab"))
    st.subheader("Cost", anchor=False)
    target = view.row.candidate.recipe.target
    cores = fmt.plural(target.threads, "core")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        price_input(owner, held)
        price = price_of(held)
        for basis, name in ((Basis.THROUGHPUT, "always busy"), (Basis.LATENCY, "one call at a time")):
            found = cost_per_million(timing, target.batch, price, basis) if price else None
            value = fmt.NONE if found is None else fmt.significant(found.value)
            st.metric(f"A million, {name}", value, help=f"{FORMULAS[basis]}.", width="content")
    st.caption(
        f"In the currency of the price, of a machine with {cores}, as it was measured on: price ÷ 3,600 s × "
        "1,000,000 ÷ samples per second, at the best measured batch size and for single calls."
    )
