"""Recipe tab: how the candidate is made, its files, where it was measured, and how to make it elsewhere."""

from __future__ import annotations

import streamlit as st

from core.domain.events import EventKind
from core.domain.measurement import Environment
from core.views import CandidateView, Topics
from core.views.candidate import StepRow
from pages import format as fmt
from pages.widgets.candidate.built import built
from pages.widgets.commands import same_elsewhere
from pages.widgets.learn_link import learn_name


def recipe(view: CandidateView) -> None:
    """Draw how the candidate is made."""
    steps(view)
    recipe_file(view)
    if view.row.candidate.result is not None:
        measured_on(view.row.candidate.result.timing.environment)
    same_elsewhere(view.command, view.python, label="Make it on the command line or in Python")


def steps(view: CandidateView) -> None:
    """Draw how the candidate is made."""
    st.subheader("Recipe", anchor=False)
    chain(view)
    if not view.steps:
        st.markdown(f"Nothing is changed: the uploaded file, run by {view.row.runtime}.")
    for number, step in enumerate(view.steps, start=1):
        with st.container(border=True, gap="xsmall"):
            size = f" :gray-badge[{fmt.size(step.size_bytes)}]" if step.size_bytes is not None else ""
            st.markdown(f"**{number}. {fmt.plain(step.name)}**{size}")
            id = view.row.candidate.recipe.steps[number - 1].pass_id
            more = learn_name(Topics.TECHNIQUE, id, "Learn more")
            st.markdown(f":gray[{step.summary}] {more}")
            if facts := built(step.details):
                st.markdown(f":small[{' · '.join(facts)}]")
            for name, value in step.details.items():
                _table(name, value)
            _settings(step)


def _settings(step: StepRow) -> None:
    """Draw every setting of a step, each in a row with its unit."""
    if not step.params:
        return
    with st.expander(f"Settings ({len(step.params)})", icon=":material/tune:"):
        told = {
            step.labels.get(name) or _header(name): f"{_said(value)} {step.units.get(name, '')}".rstrip()
            for name, value in step.params.items()
        }
        st.table(told, border="horizontal", alt=f"Settings of {step.name}")


def chain(view: CandidateView) -> None:
    """Draw the way from the uploaded file to the runtime in a line: each step with its size and its time."""
    took = {
        str(event.data.get("step")): event.seconds
        for event in view.run.events
        if event.kind is EventKind.BUILT and event.candidate == view.row.id
    }
    parts = [f"**{fmt.plain(view.run.model.name)}** {fmt.size(view.run.model.size_bytes)}"]
    for step, told in zip(view.row.candidate.recipe.steps, view.steps, strict=False):
        seconds = took.get(step.pass_id)
        facts = [fmt.size(told.size_bytes)] if told.size_bytes is not None else []
        facts += [fmt.duration(seconds)] if seconds is not None else []
        name = learn_name(Topics.TECHNIQUE, step.pass_id, fmt.plain(told.name))
        parts.append(f"**{name}** {', '.join(facts)}")
    median = view.row.latency_ms.value if view.row.latency_ms is not None else None
    runtime = learn_name(Topics.RUNTIME, view.row.candidate.recipe.target.runtime_id, view.row.runtime)
    parts.append(f"**{runtime}** {fmt.ms(median, '')}")
    st.markdown(" :material/arrow_forward: ".join(map(str.rstrip, parts)))


def _words(name: str) -> str:
    return fmt.plain(name.replace("_", " "))


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "under 0.0001" if 0 < abs(value) < 1e-4 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else fmt.plain(str(value))


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float, bool)) and len(str(value)) < 60


def _table(name: str, value: object) -> None:
    """Draw what a technique found out about each of many, such as layers."""
    rows = value if isinstance(value, list) else []
    if not rows or not all(isinstance(row, dict) for row in rows):
        return
    columns = {
        _header(key): [row[key] if _plain(row.get(key)) else None for row in rows] for key in dict(rows[0])
    }
    with st.expander(f"{_words(name).capitalize()} ({len(rows)})", icon=":material/table_rows:"):
        st.dataframe(columns, hide_index=True)


def _header(key: str) -> str:
    words = _words(key).replace("int8", "INT8").replace("percent", "(%)").removesuffix(" ms")
    return words[:1].upper() + words[1:] + (" (ms)" if key.endswith("_ms") else "")


def recipe_file(view: CandidateView) -> None:
    """Draw the download of the recipe."""
    st.download_button(
        "Download recipe (YAML)",
        view.recipe,
        "recipe.yaml",
        "application/yaml",
        icon=":material/receipt_long:",
        key="recipe_file",
        help="A YAML file to edit, and to upload for another model where techniques are chosen by hand.",
    )


def measured_on(environment: Environment) -> None:
    """Draw where the figures were taken."""
    with st.expander("Environment", icon=":material/memory:"):
        libraries = ", ".join(f"{name} {version}" for name, version in sorted(environment.libraries.items()))
        st.table(
            {
                "Processor": f"{environment.cpu}, {fmt.plural(environment.cores, 'core')}",
                "Instruction sets": ", ".join(environment.isa) or "–",
                "Memory": fmt.size(environment.memory_bytes),
                "Frequency governor": environment.governor or "hidden by the system",
                "System": f"{environment.os}, Python {environment.python}",
                "Load before and after": f"{environment.load_before:.1f} and {environment.load_after:.1f}",
                "Libraries": libraries,
            },
            border="horizontal",
            alt="Where it was measured",
        )
