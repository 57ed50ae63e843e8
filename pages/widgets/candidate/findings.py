"""Findings of a candidate."""

from __future__ import annotations

import streamlit as st

from core.views import CandidateView
from pages import format as fmt

FINDINGS = {"good": ("check_circle", "green"), "note": ("info", "blue"), "warning": ("warning", "orange")}


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
