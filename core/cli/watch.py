"""`watch`: what a running service does, by its address or its prediction log."""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.api import watch
from core.cli.output import print_json
from core.domain.watching import Arm, Traffic, Watched
from core.engine.watching import LOOK_BACK_S

KEY = "SERVICE_KEY"
SHOWN = 12
"""Features and classes that are shown; --json has all."""


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("watch", help="latency, predictions, drift and alerts of a running service")
    parser.add_argument(
        "target", metavar="ADDRESS|LOG", help="http://host:port, a service's folder, or its predictions.db"
    )
    parser.add_argument("--key", default=os.environ.get(KEY, ""), help=f"API key; {KEY} by default")
    parser.add_argument("--seconds", type=float, default=LOOK_BACK_S, help="how far back to look at a log")
    parser.add_argument("--every", type=float, metavar="S", help="look again every S seconds until an alert")
    parser.add_argument("--json", action="store_true", help="print what was found on stdout")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Look, and print what was found; 3 where an alert is on."""
    if options.every is not None:
        console.print("[dim]Looks until an alert is on; Ctrl+C ends it.[/]")
    while True:
        found = watch(options.target, key=options.key, seconds=options.seconds)
        if options.json:
            print_json(found)
        else:
            _print(found)
        if found.alerts or options.every is None:
            return 3 if found.alerts else 0
        time.sleep(max(0.5, options.every))


def _print(found: Watched) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(found.name)}[/]  {_traffic(found.traffic)}")
    for arm in found.arms:
        _print_arm(console, found, arm)
    for alert in found.alerts:
        console.print(f"[bold red]alert[/] {escape(alert.rule)}: {escape(alert.message)}")
    if not found.alerts:
        console.print("No alert.")


def _traffic(found: Traffic) -> str:
    told = [("p50", found.p50_ms), ("p95", found.p95_ms), ("p99", found.p99_ms)]
    times = ", ".join(f"{name} {value:.2f} ms" for name, value in told if value is not None)
    errors = f"{found.failed:,} failed, {found.refused:,} refused"
    return f"{found.requests:,} requests, {found.per_s:.1f}/s, {errors}" + (f", {times}" if times else "")


def _print_arm(console: Console, found: Watched, arm: Arm) -> None:
    console.print(
        f"\n[bold]{escape(arm.name)}[/]  {_traffic(arm.traffic)}; {arm.logged:,} predictions logged"
    )
    if arm.classes:
        told = (
            f"{escape(found.class_name(e.index))} {_share(e.live)} ({_share(e.reference)})"
            for e in arm.classes[:SHOWN]
        )
        console.print(f"Predicted, and on the evaluation data: {', '.join(told)}")
    if arm.accuracy is not None:
        seen, before = arm.accuracy, _share(arm.accuracy.reference)
        interval = f"{seen.low:.1%} to {seen.high:.1%}"
        console.print(f"Accuracy of {seen.labels:,} labels: {seen.value:.1%} ({interval}); it was {before}")
    if not arm.reference_rows:
        console.print("Nothing is held against the evaluation data: its run had none.")
    for window in arm.newest():
        said = ", ".join(each.name for each in window.raised) or "no drift"
        console.print(f"Window {window.number} of {window.size:,}: {escape(said)}")
    if arm.newest():
        console.print(_table(arm))


def _table(arm: Arm) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Feature", "Test", "Statistic", "p", "PSI", "Drift"):
        table.add_column(header, justify="left" if header in ("Feature", "Test") else "right")
    newest = sorted(arm.newest()[0].findings, key=lambda each: each.p)
    for each in newest[:SHOWN]:
        psi = "–" if each.psi is None else f"{each.psi:.3f}"
        drift = "[red]yes[/]" if each.raised else "no"
        table.add_row(
            escape(each.name), each.test or "too little", f"{each.statistic:.3g}", f"{each.p:.2g}", psi, drift
        )
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
