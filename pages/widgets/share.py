"""Export of a run: a report as HTML, CSV and Markdown, the results as JSON, and the files."""

from __future__ import annotations

import json
import re
from functools import partial

import streamlit as st

from core import engine
from core.views import RunView, report, results
from pages.report import KINDS
from pages.widgets.downloader import download_run
from pages.widgets.folded import folded
from pages.widgets.page import store

REPORTS = {
    "html": (
        "Report (HTML)",
        "text/html",
        "analytics",
        "Charts, table and findings in one file.",
    ),
    "csv": ("Table (CSV)", "text/csv", "table", "A line for each candidate, with intervals."),
    "md": ("Report (Markdown)", "text/markdown", "markdown", "For a pull request, an issue or a wiki."),
}


def share(view: RunView) -> None:
    """Draw the reports, the results as JSON and the models, under the limits shown."""
    folded("Share the results", partial(_ways, view), icon=":material/ios_share:", key="share_results")


def _ways(view: RunView) -> None:
    name = re.sub(r"[^a-z0-9]+", "-", view.run.name.lower()).strip("-") or "run"
    with st.container(horizontal=True):
        for kind, (label, mime, icon, help) in REPORTS.items():
            st.download_button(
                label,
                partial(KINDS[kind], store(), view),
                f"{name}.{kind}",
                mime,
                icon=f":material/{icon}:",
                on_click="ignore",
                key=f"report_{kind}",
                help=help,
            )
        st.download_button(
            "Results (JSON)",
            lambda: json.dumps(results(store(), view), indent=1),
            f"{name}.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="results_json",
            help="Everything measured, in the format of the command line's results.json.",
        )
        if not view.run.status.active:
            st.download_button(
                "Export run",
                lambda: b"".join(engine.exported_run(store(), view.run.id).stream()),
                f"{name}-{view.run.id}{engine.EXPORTED}",
                "application/zip",
                icon=":material/outbox:",
                on_click="ignore",
                key="export_run",
                help="Figures, recipes and details as one file to import elsewhere, without the data.",
            )
        if view.baseline.latency_ms is not None:
            download_run(view.run.id, key="all_models")
    st.caption("The same table to copy, for a pull request or a wiki")
    st.code(report(view), language="markdown", wrap_lines=True)
