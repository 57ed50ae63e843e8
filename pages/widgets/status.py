"""Status badges: word, icon and colour of each state, the same everywhere."""

from __future__ import annotations

from core.domain.run import CandidateStatus, RunStatus

RUN = {
    RunStatus.QUEUED: ("Queued", "schedule", "gray"),
    RunStatus.RUNNING: ("Running", "progress_activity", "blue"),
    RunStatus.DONE: ("Done", "check_circle", "green"),
    RunStatus.FAILED: ("Failed", "error", "red"),
    RunStatus.CANCELLED: ("Cancelled", "cancel", "gray"),
    RunStatus.INTERRUPTED: ("Interrupted", "power_off", "orange"),
    RunStatus.PAUSED: ("Paused", "pause_circle", "gray"),
}

CANDIDATE = {
    CandidateStatus.WAITING: "Waiting",
    CandidateStatus.BUILDING: "Building",
    CandidateStatus.MEASURING: "Measuring",
    CandidateStatus.DONE: "Measured",
    CandidateStatus.FAILED: "Failed",
    CandidateStatus.SKIPPED: "Skipped",
    CandidateStatus.UNMEASURED: "Built, not measured here",
}

UNSTABLE = " :orange-badge[:material/warning: Unstable speed]"

STAGES = {
    "build": "while building",
    "measure": "while measuring",
    "baseline": "while measuring the baseline",
    "plan": "while planning",
    "inspect": "while reading the model",
    "budget": "by the time budget",
}


def run_badge(status: RunStatus) -> str:
    """Return the status of a run as a markdown badge."""
    text, icon, color = RUN[status]
    return f":{color}-badge[:material/{icon}: {text}]"


def stage_words(stage: str) -> str:
    """Return where something happened, in words."""
    return STAGES.get(stage, f"in {stage.replace('_', ' ')}" if stage else "")
