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

NEXT = {
    RunStatus.QUEUED: ("Watch", ":material/visibility:", "optimize.py"),
    RunStatus.RUNNING: ("Watch", ":material/visibility:", "optimize.py"),
    RunStatus.DONE: ("See the result", ":material/scatter_plot:", "compare.py"),
    RunStatus.PAUSED: ("Resume it there", ":material/play_arrow:", "optimize.py"),
    RunStatus.INTERRUPTED: ("Resume it there", ":material/play_arrow:", "optimize.py"),
    RunStatus.CANCELLED: ("See what it has", ":material/open_in_new:", "optimize.py"),
    RunStatus.FAILED: ("See why", ":material/open_in_new:", "optimize.py"),
}
"""What a person can do next with a run: the word, its icon and the page."""

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
