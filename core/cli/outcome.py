"""What came of a run: printed, and written to a folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.cli.output import print_json
from core.domain.finding import Finding, FindingKind
from core.domain.run import RunStatus
from core.engine import export
from core.errors import ErrorRecord, InvalidRequest, from_record
from core.store.store import Store
from core.views import RunView, findings_of, results

TOLD = 2
"""Findings at the end of a run."""


def check_out(folder: Path | None) -> None:
    """Refuse a folder for results that cannot be written, before any work.

    Raises:
        InvalidRequest: It cannot be made, or no file in it.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise InvalidRequest(
            f"The folder {folder} cannot be written: {error.strerror}.", hint="Name another with --out."
        ) from error


def write(store: Store, view: RunView, folder: Path) -> dict[str, Any]:
    """Write every artifact and ``results.json`` below `folder`; return the results."""
    folder.mkdir(parents=True, exist_ok=True)
    found = results(store, view, export(store, view.run.id, folder))
    partial = folder / "results.json.partial"
    partial.write_text(json.dumps(found, indent=2) + "\n")
    partial.replace(folder / "results.json")
    return found


def worth_telling(store: Store, view: RunView) -> tuple[Finding, ...]:
    """Return the findings on what is recommended that have something at stake, the largest first."""
    row = view.find(view.recommendation.candidate_id or view.recommendation.near_miss)
    found = findings_of(store, view, row) if row is not None else ()
    return tuple(each for each in found if each.stake and each.kind is FindingKind.WARNING)[:TOLD]


def finish(store: Store, view: RunView, options: argparse.Namespace, console: Console) -> int:
    """Write and print the outcome of a run; return the exit code."""
    found = write(store, view, options.out) if options.out else results(store, view)
    if options.json:
        print_json(found)
    if view.run.status is RunStatus.FAILED:
        raise from_record(view.run.error or ErrorRecord("error", "The run failed."))
    for each in view.each:
        where = f"On {escape(each.machine)}: " if view.others else ""
        console.print(f"[bold]{where}{escape(each.recommendation.sentence)}[/]")
        for note in each.recommendation.notes:
            console.print(f"[dim]{escape(note)}[/]")
        for finding in worth_telling(store, each):
            console.print(f"[yellow]{escape(finding.seen)}[/] [dim]{escape(finding.advice)}[/]")
    if options.out:
        console.print(f"Results and artifacts are in {escape(str(options.out))}.")
    return 0 if any(each.recommendation.candidate_id for each in view.each) else 3
