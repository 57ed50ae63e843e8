"""`export-run` and `import-run`: a run as one file, from one installation to another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.api import run_of
from core.cli.outcome import check_out
from core.engine import exported_run, import_run, open_store


def register(commands: Any) -> None:
    """Add the commands to the parser."""
    leaving = commands.add_parser("export-run", help="write a run as one file, to import it elsewhere")
    leaving.add_argument("run_id", metavar="RUN", help="id as `runs` lists it, or the folder of --out")
    leaving.add_argument("--out", type=Path, default=Path(), help="folder to write it to")
    help = "with the built models; data never go along"
    leaving.add_argument("--with-models", action="store_true", help=help)
    leaving.set_defaults(run=write)
    coming = commands.add_parser("import-run", help="take in a run that was measured elsewhere")
    coming.add_argument("file", type=Path, help="as `export-run` wrote it")
    coming.set_defaults(run=read)


def write(options: argparse.Namespace, console: Console) -> int:
    """Write the file."""
    check_out(options.out)
    store = open_store()
    found = exported_run(store, run_of(store, options.run_id), options.with_models)
    target = options.out / found.name
    with target.open("wb") as file:
        file.writelines(found.stream())
    console.print(f"Wrote {escape(str(target))}, {target.stat().st_size / 1e6:,.2f} MB.")
    return 0


def read(options: argparse.Namespace, console: Console) -> int:
    """Take it in."""
    run = import_run(open_store(), options.file)
    console.print(f"Imported {escape(run.name)} as {run.id}; it was measured on {escape(run.imported)}.")
    return 0
