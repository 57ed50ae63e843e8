"""`worker`: execute queued runs."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("worker", help="execute queued runs until none has come for a while")
    parser.add_argument(
        "--idle", type=float, default=60.0, metavar="SECONDS", help="how long to wait for work"
    )
    parser.add_argument(
        "--beside",
        type=int,
        default=0,
        metavar="PID",
        help="end with this process when nothing waits",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Console) -> int:
    """Work."""
    from core.engine.worker import main

    main(options.idle, options.beside)
    return 0
