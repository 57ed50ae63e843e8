"""What came of exports: figures, errors against the original, and downloads."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.run import CandidateStatus
from core.views.exports import ExportRow
from pages import format as fmt
from pages.widgets.downloader import download_kit, download_model
from pages.widgets.page import go

BADGES = {
    CandidateStatus.DONE: ":green-badge[:material/check_circle: Measured here]",
    CandidateStatus.UNMEASURED: ":blue-badge[:material/deployed_code: Built, runs elsewhere]",
    CandidateStatus.FAILED: ":red-badge[:material/error: Failed]",
    CandidateStatus.SKIPPED: ":gray-badge[:material/block: Refused]",
    CandidateStatus.WAITING: ":gray-badge[:material/schedule: Waiting]",
    CandidateStatus.BUILDING: ":blue-badge[:material/progress_activity: Building]",
    CandidateStatus.MEASURING: ":blue-badge[:material/progress_activity: Measuring]",
}


def result_rows(rows: Sequence[ExportRow]) -> None:
    """Draw each export with what is known of it."""
    for each in rows:
        with st.container(border=True, gap="xsmall"):
            _row(each)


def _row(found: ExportRow) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left.container(gap="xsmall"):
        badge = ":gray-badge[As uploaded]" if found.as_uploaded else BADGES[found.row.candidate.status]
        st.markdown(f"**{fmt.plain(found.name)}** {badge}")
        if figures := _figures(found):
            st.markdown(figures)
        if found.problem:
            st.markdown(fmt.plain(found.problem))
        if told := [fmt.plain(line) for line in (*found.errors, found.batches) if line]:
            st.caption("  \n".join(told) if len(told) > 2 else " ".join(told))
    if found.built:
        with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            download_kit(found.row.id, key=f"kit_{found.row.id}_{found.export}", quiet=True)
            download_model(found.row.id, key=f"file_{found.row.id}_{found.export}")
            if not found.as_uploaded and st.button(
                "Details", icon=":material/open_in_new:", type="tertiary", key=f"open_{found.row.id}"
            ):
                go("candidate.py", candidate=found.row.id)


def _figures(found: ExportRow) -> str:
    row = found.row
    told = [fmt.size(row.size_bytes)] if row.size_bytes is not None else []
    if row.latency_ms is not None:
        told = [fmt.milliseconds(row.latency_ms), *told]
        if not found.as_uploaded:
            told.append(f"{fmt.times(row.speedup)} the speed of your model")
    if row.accuracy is not None:
        told.append(f"{row.scale.label} {row.scale.words(row.accuracy, 2)}")
    return "  ·  ".join(told)
