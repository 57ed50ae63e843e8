"""`serve`: start the dashboard."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import util
from pathlib import Path
from typing import Any

from rich.console import Console

from core.errors import BackendMissing

ADDRESS, PORT = "127.0.0.1", 8501


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("serve", help="start the dashboard")
    parser.add_argument(
        "--address", default=ADDRESS, help=f"where to listen; 0.0.0.0 for others, too (default: {ADDRESS})"
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"default: {PORT}")
    parser.set_defaults(run=run)


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is no port; choose one from 1 to 65535")
    return port


def app_file() -> Path:
    """Return the dashboard's launcher, wherever it is installed; its settings lie beside it.

    Raises:
        BackendMissing: This installation has no pages.
    """
    found = util.find_spec("pages")
    for folder in found.submodule_search_locations or () if found else ():
        if (Path(folder) / "app.py").is_file():
            return Path(folder) / "app.py"
    raise BackendMissing(
        "This installation of Whetstone holds no dashboard.", hint="Install it again: pip install whetstone"
    )


def run(options: argparse.Namespace, _: Console) -> int:
    """Become the server, so that signals reach it."""
    # -P: the folder it is started in may hold a `core` or `pages` of somebody else.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(app_file())]
    flags = ["--server.address", options.address, "--server.port", str(options.port)]
    sys.stdout.flush()
    os.execv(sys.executable, [*command, *flags])
