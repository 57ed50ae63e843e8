"""Findings of a candidate: what was seen, why, and what to do, with what is at stake."""

from __future__ import annotations

import streamlit as st

from core.domain.finding import Finding
from core.views import CandidateView
from pages import format as fmt

KINDS = {"good": ("check_circle", "green"), "note": ("info", "blue"), "warning": ("warning", "orange")}


def findings(view: CandidateView) -> None:
    """Draw what the figures say, what has most at stake first."""
    if not view.findings and not view.more_samples:
        return
    st.subheader("Findings", anchor=False)
    for finding in view.findings:
        _finding(finding)
    if view.more_samples:
        st.markdown(
            f":blue[:material/dataset:] About {view.more_samples:,} more labelled samples would probably "
            "settle whether it respects the limit."
        )


def _finding(finding: Finding) -> None:
    icon, color = KINDS[finding.kind]
    stake = f" :{color}-badge[up to {finding.stake}]" if finding.stake else ""
    lines = [f":{color}[:material/{icon}:] **{fmt.plain(finding.seen)}**{stake}"]
    lines += [fmt.plain(finding.why)] if finding.why else []
    lines += [f":material/arrow_forward: {fmt.plain(finding.advice)}"] if finding.advice else []
    st.markdown("  \n".join(lines))
