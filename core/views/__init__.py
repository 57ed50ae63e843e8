"""Read-only rows for the pages and the command line."""

from core.views.candidate import CandidateView, explain
from core.views.commands import command_for, python_for
from core.views.machine import MachineView, machine
from core.views.model import ModelView, TechniqueRow, model_view
from core.views.results import results
from core.views.rows import Row
from core.views.run import (
    Progress,
    Quality,
    RunSummary,
    RunView,
    best_of,
    expected_quality,
    run_view,
    runs,
)

__all__ = [
    "CandidateView",
    "MachineView",
    "ModelView",
    "Progress",
    "Quality",
    "Row",
    "RunSummary",
    "RunView",
    "TechniqueRow",
    "best_of",
    "command_for",
    "expected_quality",
    "explain",
    "machine",
    "model_view",
    "python_for",
    "results",
    "run_view",
    "runs",
]
