"""Accuracy tab: the task's metric against labels, and fidelity to the baseline, output by output."""

from __future__ import annotations

from core.views import CandidateView
from pages.widgets.figures import doubts, outputs, sameness


def accuracy(view: CandidateView) -> None:
    """Draw how true a candidate is."""
    doubts(view.row)
    sameness(view.row, view.run.baseline)
    outputs(view.row)
