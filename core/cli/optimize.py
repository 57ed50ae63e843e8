"""`optimize`: build and measure, and write the results with every artifact."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from core.api import optimize
from core.cli.inspect import add_source_options, described
from core.cli.outcome import check_out, finish
from core.cli.progress import Progress
from core.cli.run_options import add_run_options, asked
from core.engine import open_store


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("optimize", help="build and measure optimized versions of a model")
    add_source_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Optimize."""
    check_out(options.out)
    store = open_store()
    view = optimize(
        options.model,
        options.data,
        train=options.train,
        on_change=Progress(console, options.verbose),
        store=store,
        **described(options),
        **asked(options),
    )
    return finish(store, view, options, console)
