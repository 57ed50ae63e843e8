"""`profile`: where the time of one candidate goes, or where its error comes from, layer by layer."""

from __future__ import annotations

import argparse
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.api import layer_errors, measured_candidate, profile, run_of
from core.cli.output import print_json
from core.domain.layer_errors import LayerErrors
from core.engine import open_store
from core.serde import to_plain
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
    parser.add_argument(
        "--errors", action="store_true", help="compare the values behind each layer with the network in float"
    )
    parser.add_argument("--again", action="store_true", help="measure anew though it was done before")
    parser.add_argument("--json", action="store_true", help="print the profile on stdout")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Profile it, or show the profile that there is."""
    store = open_store()
    run_id = run_of(store, options.run_id)
    candidate = measured_candidate(store, run_id, options.candidate)

    def told(progress: Progress) -> None:
        console.print(f"[dim]{escape(progress.message)}[/]")

    if options.errors:
        errors = layer_errors(run_id, candidate.id, again=options.again, on_progress=told, store=store)
        if options.json:
            print_json({"candidate": candidate.id, "name": candidate.name, **to_plain(errors)})
        else:
            _print_errors(candidate.name, errors)
        return 0
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


def _print_errors(name: str, found: LayerErrors) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDTH)
    inputs = "random inputs" if found.random else f"{found.rows} samples"
    console.print(f"[bold]{escape(name)}[/]  {len(found.layers)} layers on {inputs}, by growth of the error")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Layer", "Operator"):
        table.add_column(header, overflow="ellipsis", max_width=60, no_wrap=True)
    for header in ("Error behind it", "In front of it", "Of all growth"):
        table.add_column(header, justify="right", no_wrap=True)
    whole = sum(each.grown for each in found.layers) or 1.0
    for each in sorted(found.layers, key=lambda each: -each.grown)[:SHOWN]:
        shares = (f"{each.percent:.3g} %", f"{100 * each.before**0.5:.3g} %", f"{each.grown / whole:.0%}")
        table.add_row(escape(each.name), escape(each.operator), *shares)
    console.print(table)
    if len(found.layers) > SHOWN:
        console.print(f"… and {len(found.layers) - SHOWN} more layers; --json has them all.")
