"""Export of a run: results as a Markdown table and the files."""

from __future__ import annotations

import json
import re

import streamlit as st

from core.domain.quality import Scale
from core.views import RunView, report, results
from pages.widgets.downloader import download_run
from pages.widgets.page import store
from pages.widgets.table import frame

UNITS = {
    "latency": "latency_ms",
    "latency_ci": "latency_ci95_ms",
    "agreement": "agreement_percent",
    "sqnr": "sqnr_db",
    "size": "size_mb",
    "memory": "memory_mb",
}


def columns(scale: Scale) -> dict[str, str]:
    """Return the names of the CSV's columns, each with its unit; the metric's is its own."""
    unit = {"%": "_percent"}.get(scale.unit, f"_{scale.unit}" if scale.unit else "")
    name = re.sub(r"[^a-z0-9]+", "_", scale.name.lower().replace("²", "2")).strip("_")
    change = f"change_{scale.step}".rstrip("_").lower()
    return UNITS | {"accuracy": f"{name}{unit.lower()}", "change": change}


def share(view: RunView) -> None:
    """Draw the Markdown table, ready to copy, and the results as JSON and CSV, under the limits shown."""
    name = re.sub(r"[^a-z0-9]+", "-", view.run.name.lower()).strip("-") or "run"
    with st.expander("Share the results", icon=":material/ios_share:"):
        st.caption("A table for a pull request or a wiki")
        st.code(report(view), language="markdown", wrap_lines=True)
        with st.container(horizontal=True):
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
            st.download_button(
                "Table (CSV)",
                lambda: (
                    frame(view, view.recommendation.candidate_id)
                    .rename(columns=columns(view.scale))
                    .to_csv(index=False)
                ),
                f"{name}.csv",
                "text/csv",
                icon=":material/table:",
                on_click="ignore",
                key="results_csv",
            )
            if view.baseline.latency_ms is not None:
                download_run(view.run.id, key="all_models")
