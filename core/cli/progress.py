"""A run while it goes on, line by line."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from core.domain.quality import Scale
from core.domain.run import CandidateStatus
from core.views import Row, RunView, event_log


class Progress:
    """Prints each candidate when it is final or has new figures, and the stage when it changes.

    Args:
        console: Where to print.
        verbose: Every event, too.
    """

    def __init__(self, console: Console, verbose: bool = False) -> None:
        self._console, self._verbose, self._told = console, verbose, 0
        self._shown: dict[str, str] = {}
        self._stage = self._parts = ""

    def __call__(self, view: RunView) -> None:
        """Print what is new in `view`."""
        for event in event_log(view)[self._told :] if self._verbose else ():
            self._told = event.sequence
            took = "" if event.seconds is None else f" ({event.seconds:.1f} s)"
            self._console.print(f"[dim]{event.after_s:7.1f} s  {escape(event.text)}{took}[/]")
        if view.data is not None and not self._parts:
            self._parts = f"{view.data.name}: {view.data.preparation.get('Used as', '')}"
            self._console.print(f"[dim]{escape(self._parts)}[/]")
        for each in view.each:
            for row in each.candidates:
                where = f"  on {escape(each.machine)}" if view.others else ""
                # Once more where the final heat changed the figures.
                if row.candidate.status.final and self._shown.get(row.id) != (line := describe(row) + where):
                    self._shown[row.id] = line
                    self._console.print(line)
        if view.progress.stage and view.progress.stage != self._stage:
            self._stage = view.progress.stage
            done, total = view.progress.done, view.progress.total
            self._console.print(
                f"[dim]{done}/{total} {view.progress.elapsed_s:.0f} s  {escape(self._stage)}[/]"
            )


def describe(row: Row) -> str:
    """Return one line on a final candidate."""
    name = escape(row.name)
    if row.speedup is None or row.latency_ms is None:
        elsewhere = row.candidate.status is CandidateStatus.UNMEASURED and row.candidate.error
        needed = f" {escape(elsewhere.hint)}" if elsewhere else ""
        needed += f" ({row.size_bytes / 1e6:.2f} MB)" if row.size_bytes is not None else ""
        return f"[yellow]{row.status:8}[/] {name}: {escape(row.why)}{needed}"
    speed = row.speedup
    figures = f"{row.latency_ms.value:9.3f} ms  {speed.value:5.2f}x ({speed.low:.2f}–{speed.high:.2f})"
    if row.accuracy is not None and row.change is not None:
        scale, change = row.scale, row.change.value
        metric = "" if scale == Scale() else f"{scale.name} "
        figures += f"  {metric}{scale.words(row.accuracy, 2):>8} ({scale.difference(change)})"
    elif row.agreement is not None:
        result = row.candidate.result
        of = " of detections" if result is not None and result.fidelity.detections else ""
        figures += f"  agrees on {row.agreement.value:.1f} %{of}"
    return f"[green]{row.status:8}[/] {figures}  {(row.size_bytes or 0) / 1e6:8.2f} MB  {name}"
