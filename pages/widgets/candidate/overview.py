"""Overview tab: figures, findings, where the speed-up comes from, and another candidate beside it."""

from __future__ import annotations

import streamlit as st

from core.views import CandidateView
from pages.widgets.address import RUN, settings
from pages.widgets.candidate.findings import findings
from pages.widgets.figures import doubts, figures, metrics
from pages.widgets.origins import where_from
from pages.widgets.side_by_side import against


def overview(view: CandidateView) -> None:
    """Draw what matters most of a candidate."""
    figures(view.row, view.run.candidates, quality=view.run.quality)
    doubts(view.row)
    findings(view)
    where_from(view.row, view.run)
    metrics(view.row, view.run.candidates)
    if view.row.latency_ms is not None:
        with st.expander("Side by side with another candidate", icon=":material/compare_arrows:"):
            against(view.run, view.row, settings(view.run.run.id, RUN).get("other"))
