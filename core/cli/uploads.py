"""`uploads` and `delete`: list and delete models and data sets."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.engine import delete, delete_upload, open_store
from core.errors import NotFound
from core.store.store import Store


def register(commands: Any) -> None:
    """Add the commands to the parser."""
    listing = commands.add_parser("uploads", help="list uploaded models and data, newest first")
    listing.set_defaults(run=list_uploads)
    parser = commands.add_parser("delete", help="delete a run, or an uploaded model or data set")
    parser.add_argument("id", help="as `runs` or `uploads` lists it")
    parser.add_argument(
        "--with-runs", action="store_true", help="of an upload: delete the runs that use it, too"
    )
    parser.set_defaults(run=delete_one)


def list_uploads(_: argparse.Namespace, __: Console) -> int:
    """List them with their size and how many runs use them."""
    store = open_store()
    console = Console(highlight=False, soft_wrap=True)
    runs = [each.run for each in store.runs.list()]
    uses = Counter(id for run in runs for id in (run.request.model_id, run.data_id))
    for what, found in (
        ("model", [each for each in store.models.list() if each.files]),
        ("data", [each for each in store.data.list() if each.files]),
    ):
        for each in found:
            size = sum(file.size for file in each.files) / 1e6
            about = f"{size:10.2f} MB  {uses[each.id]:3} run(s)  {escape(each.name)}"
            console.print(f"{each.id}  {what:5}  {about}")
    return 0


def delete_one(options: argparse.Namespace, console: Console) -> int:
    """Delete it and say what that frees."""
    store = open_store()
    if _is_run(store, options.id):
        name = store.runs.get(options.id).name
        delete(store, options.id)
        console.print(f"Deleted the run {escape(name)} with its results.")
        return 0
    gone = delete_upload(store, options.id, options.with_runs)
    runs = f" and {len(gone.runs)} run(s)" if gone.runs else ""
    console.print(
        f"Deleted the {gone.what} {escape(gone.name)}{runs}: {gone.size_bytes / 1e6:,.2f} MB. "
        "The disk has them back at once, but for files of the last 15 minutes: those go with a later run."
    )
    return 0


def _is_run(store: Store, id: str) -> bool:
    try:
        store.runs.get(id)
    except NotFound:
        return False
    return True
