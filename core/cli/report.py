"""`report`: a run as one HTML file, as CSV, or as Markdown for a pull request."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.api import run_of
from core.engine import open_store
from core.errors import InvalidRequest
from core.views import run_view


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("report", help="write a run as one HTML file, as CSV or as Markdown")
    parser.add_argument("run_id", metavar="RUN", help="id as `runs` lists it, or the folder of --out")
    help = "its extension says what: .html, .csv or .md"
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=help)
    parser.set_defaults(run=write)


def write(options: argparse.Namespace, console: Console) -> int:
    """Write the report.

    Raises:
        InvalidRequest: The extension is none of those that can be written, or the run is not known.
    """
    from pages.report import KINDS  # with its libraries for charts and templates only where it is asked for

    kind = options.out.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        known = ", ".join(f".{each}" for each in KINDS)
        raise InvalidRequest(
            f"No report is written as {options.out.name}.", hint=f"End it in one of: {known}."
        )
    store = open_store()
    text = KINDS[kind](store, run_view(store, run_of(store, options.run_id)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    partial = options.out.with_name(f".{options.out.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(options.out)
    console.print(f"Wrote {escape(str(options.out))}, {options.out.stat().st_size / 1e6:,.2f} MB.")
    return 0
