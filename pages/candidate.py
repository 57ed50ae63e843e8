"""Candidate page: recipe, measurements with confidence intervals, diagnostics and downloads."""

from __future__ import annotations

import streamlit as st

from core.domain.measurement import Environment
from core.domain.run import CandidateStatus
from core.views import CandidateView, explain, why_dominated
from pages import format as fmt
from pages.figures import Sample, distribution_figure, palette
from pages.widgets.address import RUN, put, settings
from pages.widgets.chart import CONFIG
from pages.widgets.commands import same_elsewhere
from pages.widgets.downloader import download_kit, download_model, download_others
from pages.widgets.figures import figures
from pages.widgets.glossary import glossary
from pages.widgets.limits import limits_set
from pages.widgets.machines import same_recipe_elsewhere
from pages.widgets.origins import where_from
from pages.widgets.page import current, dark, empty, go, show_error, store
from pages.widgets.side_by_side import against, throughput_chart
from pages.widgets.status import CANDIDATE, UNSTABLE

FINDINGS = {"good": ("check_circle", "green"), "note": ("info", "blue"), "warning": ("warning", "orange")}


def head(view: CandidateView) -> None:
    """Draw the name, where it comes from, why it is or is not recommended, and the download."""
    row, run = view.row, view.run
    star = ""
    if row.id == run.recommendation.candidate_id:
        star = (
            ":green-badge[:material/star: Recommended]"
            if row.sure
            else ":orange-badge[:material/star: Likely]"
        )
    elif row.candidate.position == 0:
        star = ":gray-badge[Baseline (your model)]"
    elif row.on_front:
        star = ":blue-badge[Pareto-optimal]"
    if row.candidate.result is not None and row.candidate.result.timing.unstable:
        star += UNSTABLE
    st.markdown(f"## {fmt.plain(row.name)} {star}", anchors=False)
    target = row.candidate.recipe.target
    threads = fmt.plural(target.threads, "thread")
    place = f"{row.runtime} on {target.machine or target.device.upper()}, {threads}, batch {target.batch}"
    st.caption(
        f":material/deployed_code: {fmt.plain(run.model.name)}  ·  :material/memory: {place}  ·  "
        f"run {fmt.plain(run.run.name)}"
    )
    same_recipe_elsewhere(row, run)
    if row.candidate.error is None:
        st.markdown(fmt.plain(f"{row.why} {why_dominated(row, run.candidates)}"))
    with st.container(horizontal=True, vertical_alignment="center"):
        if row.latency_ms is not None:
            download_kit(row.id, key="kit")
            download_others(row.id, view.packagers)
        if row.latency_ms is not None or row.candidate.status is CandidateStatus.UNMEASURED:
            download_model(row.id, key="model_file")
        if st.button("Back to the comparison", icon=":material/scatter_plot:", key="back"):
            put(run.run.id, "machine", run.machine or None)
            go("compare.py", run=run.run.id, selected=row.id)
        glossary()


def charts(view: CandidateView) -> None:
    """Draw throughput by batch size and the latency distribution."""
    row, result = view.row, view.row.candidate.result
    if result is None:
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Throughput", anchor=False)
        if not result.timing.throughput:
            st.caption("Not measured: the time of the run was not enough.")
        throughput_chart([view.run.baseline, row] if row.candidate.position else [row], key="throughput")
    with right:
        st.subheader("Latency distribution", anchor=False)
        latency = result.timing.latency
        unit, scale = fmt.time_unit(latency.p50)
        known = {"median": latency.p50, "p95": latency.p95}
        marks = {name: value * scale for name, value in known.items() if value is not None}
        times = tuple(each * scale for each in result.timing.samples_ms)
        own = [Sample(row.name, times, row.candidate.position == 0)]
        figure = distribution_figure(own, marks, palette(dark()), unit=unit)
        st.plotly_chart(figure, theme=None, config=CONFIG, key="calls", alt="Latency distribution")


def steps(view: CandidateView) -> None:
    """Draw how the candidate is made."""
    st.subheader("Recipe", anchor=False)
    if not view.steps:
        st.markdown(f"Nothing is changed: the uploaded file, run by {view.row.runtime}.")
    for number, step in enumerate(view.steps, start=1):
        with st.container(border=True, gap="xsmall"):
            size = f" :gray-badge[{fmt.size(step.size_bytes)}]" if step.size_bytes is not None else ""
            st.markdown(f"**{number}. {fmt.plain(step.name)}**{size}")
            st.markdown(f":gray[{step.summary}]")
            facts = [
                f"{_words(name)}: {_said(value)}" for name, value in step.details.items() if _plain(value)
            ]
            if facts:
                st.caption(" · ".join(facts))
            if step.params:
                shown = [
                    f"{step.labels.get(name, _words(name)).lower()} {_said(value)} {step.units.get(name, '')}"
                    for name, value in step.params.items()
                ]
                st.caption(f":material/tune: {', '.join(map(str.rstrip, shown))}")


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


def findings(view: CandidateView) -> None:
    """Draw what the figures say."""
    if not view.findings and not view.more_samples:
        return
    st.subheader("Findings", anchor=False)
    for finding in view.findings:
        icon, color = FINDINGS.get(finding.kind, FINDINGS["note"])
        st.markdown(f":{color}[:material/{icon}:] {fmt.plain(finding.message)}")
    if view.more_samples:
        st.markdown(
            f":blue[:material/dataset:] About {view.more_samples:,} more labelled samples would probably "
            "settle whether it respects the limit."
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


def show(candidate_id: str) -> None:
    """Draw a candidate."""
    view = explain(store(), candidate_id, lambda run: limits_set(run.request.limits, settings(run.id, RUN)))
    candidate, run = view.row.candidate, view.run.run
    head(view)
    if view.run.limits != run.request.limits:
        st.caption("Judged by the limits that you set on the compare page, not by those of the run.")
    if candidate.status is CandidateStatus.UNMEASURED and candidate.error is not None:
        st.info(
            fmt.plain(f"{candidate.error.message} {candidate.error.hint}"), icon=":material/deployed_code:"
        )
    elif candidate.error is not None:
        show_error(candidate.error)
    elif candidate.result is None:
        st.info(
            f"{CANDIDATE[candidate.status]}: its figures come later in the run.", icon=":material/schedule:"
        )
    figures(view.row, view.run.candidates, quality=view.run.quality)
    left, right = st.columns(2, gap="large")
    with left:
        steps(view)
        recipe_file(view)
    with right:
        findings(view)
    where_from(view.row, view.run)
    charts(view)
    if view.row.latency_ms is not None:
        st.subheader("Side by side", anchor=False)
        against(view.run, view.row, settings(run.id, RUN).get("other"))
    if candidate.result is not None:
        measured_on(candidate.result.timing.environment)
    same_elsewhere(view.command, view.python, label="Make it on the command line or in Python")


chosen = current("candidate")
if chosen:
    show(chosen)
else:
    with empty("verified", "No candidate chosen", "Click a point or a row on the compare page."):
        st.page_link("compare.py", label="Compare")
