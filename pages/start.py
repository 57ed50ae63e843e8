"""Start page: demo, upload, sample models, recent models and runs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import engine, views
from core.domain.run import RunRequest
from core.views import RunSummary
from pages import format as fmt
from pages.widgets.demo import demo, take
from pages.widgets.models import upload_box
from pages.widgets.page import emphasis, errors_as_words, go, store
from pages.widgets.run_header import result_of
from pages.widgets.run_import import run_import
from pages.widgets.status import NEXT, run_badge
from sample_models.catalogue import Sample, samples

RECENT = 4
DEMO_S = 90.0


def add_sample(sample: Sample) -> tuple[str, str]:
    """Take a sample into the store under a spinner; return the ids of model and data."""
    with st.spinner("Reading the model in a confined process and preparing its data", show_time=True):
        return take(store(), sample)


def run_demo() -> None:
    """Submit the demo sample with the quick preset and open the live page."""
    model_id, data_id = add_sample(demo())
    run = engine.submit(store(), RunRequest(model_id, data_id, "quick", budget_s=DEMO_S))
    go("optimize.py", run=run.id)


def hero(first: bool) -> None:
    """Draw the sentence, the box and the demo, which is the obvious next step on a first visit."""
    left, right = st.columns([6, 5], gap="large")
    with left:
        st.markdown("# Sharpen a trained model for the hardware it will run on.", anchors=False)
        st.markdown(
            "Whetstone quantizes, prunes and converts it, measures every variant on this machine beside your "
            "original, and hands you the one that is fastest within your limits, with the proof."
        )
        if st.button("Run the demo", type=emphasis(first), icon=":material/play_arrow:", key="demo"):
            with errors_as_words():
                run_demo()
        st.caption("A small image classifier, a minute and a half. No account; nothing leaves this machine.")
    with right:
        upload_box()
        run_import()


def sample_cards() -> None:
    """Draw the sample models."""
    st.subheader("Or start from a sample", anchor=False)
    with st.grid(3, min_column_width=280):
        for sample in samples():
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{sample.name}**")
                st.markdown(f":gray[{sample.description}]")
                st.space("stretch")
                size, parameters = sample.card["files"]["pt2"]["bytes"], sample.card["parameters"]
                facts = (f"{fmt.count(parameters)} parameters", fmt.size(size))
                st.caption(" · ".join((f"{100 * sample.accuracy:.1f} % accuracy", *facts)))
                if st.button("Use this model", key=f"sample_{sample.id}", icon=":material/arrow_forward:"):
                    with errors_as_words():
                        model_id, data_id = add_sample(sample)
                        go("model.py", model=model_id, data=data_id)


def go_on(found: Sequence[RunSummary]) -> None:
    """Draw the last few runs, each with what comes next, and the newest model where no run was made of it."""
    st.subheader("Go on", anchor=False)
    used = {each.run.request.model_id for each in store().runs.list(RECENT)}
    own = [each for each in store().models.list() if each.name not in {sample.id for sample in samples()}]
    fresh = [each for each in own[:1] if each.id not in used]
    for model in fresh:
        text = f"**{fmt.plain(model.name)}**  \n:gray[Uploaded last; no run yet]"
        if _line(text, "Set up a run", ":material/arrow_forward:", f"set_up_{model.id}", primary=True):
            go("model.py", model=model.id)
    for at, run in enumerate(found):
        label, icon, page = NEXT[run.status]
        about = f":gray[{result_of(run)} · {fmt.ago(run.created)}]"
        text = f"**{fmt.plain(run.name)}** {run_badge(run.status)}  \n{about}"
        if _line(text, label, icon, f"open_{run.id}", primary=at == 0 and not fresh):
            go(page, run=run.id)
    total = store().runs.count()
    if total > RECENT:
        st.page_link("runs.py", label=f"All {total} runs")


def _line(text: str, label: str, icon: str, key: str, primary: bool) -> bool:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(text, width="stretch")
        return bool(st.button(label, key=key, icon=icon, type=emphasis(primary)))


recent = views.runs(store(), RECENT)
hero(first=not recent)
st.space("small")
if recent:
    go_on(recent)
    st.space("small")
sample_cards()
if not recent:
    st.space("small")
    st.caption("Nothing was run yet. Your runs will be listed here and can be reopened at any time.")
