"""`profile`: where the time of one candidate goes, layer by layer."""

from __future__ import annotations

import argparse
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.api import measured_candidate, profile, run_of
from core.cli.output import print_json
from core.engine import open_store
from core.views.profile import ProfileView, profile_document
from core.work.unit import Progress

SHOWN, WIDTH = 40, 140
"""Layers in the table, and its columns of text: narrower ones are of no use."""


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("profile", help="show where the time of a candidate goes, layer by layer")
    parser.add_argument("run_id", metavar="RUN", help="id as `runs` lists it, or the folder of --out")
    parser.add_argument(
        "--candidate", default="", metavar="ID", help="id or name; the recommended by default"
    )
    parser.add_argument("--again", action="store_true", help="profile anew though it was done before")
    parser.add_argument("--json", action="store_true", help="print the profile on stdout")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Profile it, or show the profile that there is."""
    store = open_store()
    run_id = run_of(store, options.run_id)
    candidate = measured_candidate(store, run_id, options.candidate)

    def told(progress: Progress) -> None:
        console.print(f"[dim]{escape(progress.message)}[/]")

    view = profile(run_id, candidate.id, again=options.again, on_progress=told, store=store)
    if options.json:
        print_json(profile_document(candidate, view))
    else:
        _print(candidate.name, view)
    return 0


def _print(name: str, view: ProfileView) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDTH)
    found = view.profile
    console.print(f"[bold]{escape(name)}[/]  {found.latency_ms:.4g} ms a call, {len(view.rows)} layers")
    console.print(escape(view.verdict))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Layer", "Operator", "Precision"):
        table.add_column(header, overflow="ellipsis", max_width=44, no_wrap=True)
    for header in ("ms", "Share", "Baseline ms", "MMAC", "GMAC/s", "of roof", "Bound by"):
        table.add_column(header, justify="right", no_wrap=True)
    rows = sorted(view.rows, key=lambda row: -row.layer.ms)
    for row in rows[:SHOWN]:
        layer, share = row.layer, row.standing.share
        table.add_row(
            escape(layer.name),
            escape(layer.operator),
            layer.precision or "–",
            f"{layer.ms:.4f}",
            f"{layer.share:.1%}",
            "–" if row.theirs_ms is None else f"{row.theirs_ms:.4f}",
            f"{layer.macs / 1e6:.2f}" if layer.macs else "–",
            f"{layer.rate:.1f}" if layer.rate else "–",
            f"{share:.0%}" if share is not None else "–",
            row.standing.bound.value,
        )
    console.print(table)
    if len(rows) > SHOWN:
        rest = sum(row.layer.ms for row in rows[SHOWN:])
        console.print(f"… and {len(rows) - SHOWN} more layers with {rest:.4f} ms; --json has them all.")
    for note in view.notes:
        console.print(escape(note))
