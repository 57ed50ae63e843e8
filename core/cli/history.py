"""`runs`, `pause`, `finish-training`, `resume` and `kit`: run history and downloads."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.api import follow
from core.cli import export
from core.cli.outcome import check_out, finish
from core.cli.progress import Progress
from core.engine import finish_training, kit_name, kit_path, open_store, pause, recover, resume
from core.registry import get_packager, packagers
from core.search.spelling import parse_packager
from core.views import best_of, runs


def register(commands: Any) -> None:
    """Add the commands to the parser."""
    listing = commands.add_parser("runs", help="list runs, newest first")
    listing.set_defaults(run=list_runs)
    rest = commands.add_parser("pause", help="let a run rest after the step that is going on")
    rest.set_defaults(run=pause_run)
    rest.add_argument("run_id", help="as `runs` lists it")
    early = commands.add_parser("finish-training", help="let a training end with its best weights so far")
    early.set_defaults(run=end_training)
    early.add_argument("run_id", help="as `runs` lists it")
    again = commands.add_parser("resume", help="go on with a paused, interrupted, cancelled or failed run")
    again.add_argument("run_id", help="as `runs` lists it")
    again.add_argument("--out", type=Path, help="folder for results.json and the artifacts")
    again.add_argument("--json", action="store_true", help="print the results on stdout")
    again.set_defaults(run=resume_run, kits=False)
    kit = commands.add_parser("kit", help="write the kit of a measured candidate")
    kit.add_argument("candidate_id", help="as results.json lists it")
    kit.add_argument("--out", type=Path, default=Path(), help="folder to write it to")
    kinds = f"kind of download, such as card:title=Mine; one of {', '.join(packagers())} (default: the first)"
    kit.add_argument("--packager", default="", metavar="ID", help=kinds)
    kit.set_defaults(run=write_kit)


def list_runs(_: argparse.Namespace, __: Console) -> int:
    """List the history."""
    store = open_store()
    recover(store)
    console = Console(highlight=False, soft_wrap=True)
    for each in runs(store):
        count = f"{each.done:2}/{each.total:<2}"
        best = escape(best_of(store, each))
        console.print(f"{each.id}  {each.status.value:11} {count} {escape(each.name)}  {best}")
    return 0


def pause_run(options: argparse.Namespace, console: Console) -> int:
    """Pause a run."""
    run = pause(open_store(), options.run_id)
    after = "It pauses after the step that is going on. " if run.status.active else "It is paused. "
    console.print(f"{after}Go on with: whetstone resume {run.id}")
    return 0


def end_training(options: argparse.Namespace, console: Console) -> int:
    """Let a training end early."""
    finish_training(open_store(), options.run_id)
    console.print("The training ends with the best weights so far; the run goes on with these.")
    return 0


def resume_run(options: argparse.Namespace, console: Console) -> int:
    """Go on with a run."""
    check_out(options.out)
    store = open_store()
    recover(store)
    run = resume(store, options.run_id)
    view = follow(store, run.id, Progress(console))
    end = export.finish if run.request.exports else finish
    return end(store, view, options, console)


def write_kit(options: argparse.Namespace, console: Console) -> int:
    """Write a kit, or another kind of download."""
    check_out(options.out)
    store = open_store()
    path = kit_path(store, options.candidate_id, options.packager)
    target = options.out / kit_name(store, options.candidate_id, options.packager)
    shutil.copyfile(path, target)
    use = get_packager(parse_packager(options.packager or next(iter(packagers())))[0]).use
    console.print(f"Wrote {escape(str(target))}; {use}" if use else f"Wrote {escape(str(target))}.")
    return 0
