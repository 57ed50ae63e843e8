"""`export`: build a model for deployment targets; or write what a run built already."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.api import export
from core.cli.inspect import add_source_options, described
from core.cli.outcome import check_out, write
from core.cli.output import print_json
from core.cli.progress import Progress
from core.cli.run_options import add_measuring_options, measuring
from core.domain.run import RunStatus
from core.engine import kit_name, kit_path, model_download, open_store
from core.errors import ErrorRecord, InvalidRequest, NotFound, from_record
from core.insights.judgement import judge
from core.registry import targets
from core.store.store import Store
from core.views import RunView, results, run_archive
from core.views.exports import ExportRow, export_rows
from core.views.format_guide import Answer, run_guide


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export", help="build a model for deployment targets; or write the models of a run"
    )
    add_source_options(parser)
    known = ", ".join(targets())
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        help=f"targets with their precision, with commas between them, such as onnx:int8_static; of {known}. "
        "Options stand behind, such as onnx:fp16:opset=17,weights=beside; a wrong one names those there are. "
        "Without it, MODEL is a candidate or run whose models are written as they were built",
    )
    parser.add_argument("--kits", action="store_true", help="a kit of every export in --out, too")
    add_measuring_options(parser, "default: no limit")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Export."""
    check_out(options.out)
    store = open_store()
    if not options.to:
        return write_models(store, str(options.model), options.out or Path(), console)
    view = export(
        options.model,
        options.to,
        options.data,
        on_change=Progress(console, options.verbose),
        store=store,
        **described(options),
        **measuring(options, no_drop=None),
    )
    return finish(store, view, options, console)


def finish(store: Store, view: RunView, options: argparse.Namespace, console: Console) -> int:
    """Write and print what came of every export, and what the format guide says; return the exit code."""
    found = write(store, view, options.out) if options.out else results(store, view)
    if options.json:
        print_json(found)
    if view.run.status is RunStatus.FAILED:
        raise from_record(view.run.error or ErrorRecord("error", "The run failed."))
    rows = export_rows(view)
    kits = _kits(store, rows, options) if options.out else {}
    for each in rows:
        _tell(each, kits.get(each.row.id), console)
    for answer in run_guide(view):
        _advise(answer, console)
    if options.out:
        console.print(f"Results, artifacts and kits are in {escape(str(options.out))}.")
    return 0 if all(_stands(each, view) for each in rows) else 3


def _stands(found: ExportRow, view: RunView) -> bool:
    """Whether an export is there, and within the limits where it was measured."""
    result = found.row.candidate.result
    return found.built and (result is None or judge(result, view.run.request.limits).meets)


def _kits(store: Store, rows: Sequence[ExportRow], options: argparse.Namespace) -> dict[str, Path]:
    """Write the kits of what has to be finished elsewhere, and on demand of all that was built."""
    written = {}
    for each in rows:
        if each.built and (options.kits or not each.measured):
            path = options.out / "kits" / kit_name(store, each.row.id)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kit_path(store, each.row.id), path)
            written[each.row.id] = path
    return written


def _tell(found: ExportRow, kit: Path | None, console: Console) -> None:
    row = found.row
    size = f"{row.size_bytes / 1e6:.2f} MB" if row.size_bytes is not None else ""
    if found.as_uploaded:
        console.print(f"[green]{found.name}[/]: your model is this already. {size}")
    elif found.measured and row.latency_ms is not None and row.speedup is not None:
        figures = f"{row.latency_ms.value:.3f} ms, {row.speedup.value:.2f}x"
        console.print(f"[green]{found.name}[/]: {figures}, {size}. {found.batches}")
    else:
        colour = "yellow" if found.built else "red"
        console.print(f"[{colour}]{found.name}[/]: {escape(found.problem)} {size}")
    for line in found.errors:
        console.print(f"[dim]  {escape(line)}[/]")
    if kit is not None:
        console.print(f"[dim]  Kit: {escape(str(kit))}[/]")


def _advise(answer: Answer, console: Console) -> None:
    console.print(f"[bold]{answer.scenario.label}[/]: {answer.name}. {escape(answer.why)}")
    console.print(f"[dim]  Here: {escape(answer.measured)} There: {escape(answer.needs)}[/]")


def write_models(store: Store, named: str, folder: Path, console: Console) -> int:
    """Write the bare model of a candidate, or all models of a run.

    Raises:
        InvalidRequest: It is a file, which is exported to something.
    """
    try:
        found = run_archive(store, named)
    except NotFound as error:
        if Path(named).exists():
            raise InvalidRequest(
                f"It is not said what {named} should be exported to.",
                hint=f"Name targets with --to, such as onnx:fp16; known: {', '.join(targets())}.",
            ) from error
        found = model_download(store, named)
    target = folder / found.name
    if found.single is not None:
        shutil.copyfile(found.single, target)
    else:
        with target.open("wb") as file:
            file.writelines(found.stream())
    console.print(f"Wrote {escape(str(target))}, {found.size / 1e6:,.2f} MB.")
    return 0
