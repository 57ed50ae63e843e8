"""`optimize`: build and measure, and write the results with every artifact."""

from __future__ import annotations

import argparse
import json
import re
from math import inf, isfinite
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape

from core.api import AUTO, optimize
from core.cli.inspect import add_source_options, described
from core.cli.output import print_json
from core.domain.finding import Finding, FindingKind
from core.domain.quality import Scale
from core.domain.run import CandidateStatus, Objective, RunStatus
from core.engine import export, open_store
from core.errors import ErrorRecord, InvalidRequest, from_record
from core.registry import metrics
from core.store.store import Store
from core.views import Row, RunView, event_log, findings_of, results

TOLD = 2
"""Findings at the end of a run."""
SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Return the seconds that ``90``, ``90s``, ``10m`` or ``1h`` mean.

    Raises:
        InvalidRequest: It means none of these.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smh]?)", text.strip(), re.ASCII)
    if match is None or float(match[1]) <= 0:
        raise InvalidRequest(f"{text!r} is no time.", hint="Write 90s, 10m or 1h.")
    return float(match[1]) * SECONDS[match[2]]


def bounded(limit: float | None) -> float | None:
    """Return a limit, None for the infinite one; whether it can be met is asked with the whole request."""
    return None if limit == inf else limit


def in_bytes(megabytes: float | None) -> float | None:
    """Return a limit in bytes; what is no number stays none, and is refused with the whole request."""
    size = bounded(megabytes)
    return round(size * 1e6) if size is not None and isfinite(size) else size


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add what a run may be asked for."""
    parser.add_argument("--preset", default="quick", help="quick, balanced or thorough (default: quick)")
    parser.add_argument(
        "--recipe",
        action="append",
        default=[],
        help="pass+pass@runtime, or a YAML file as recipe prints it; repeat for several",
    )
    parser.add_argument(
        "--strategy", default="", help="adds candidates while results come in: search, or search:most=8"
    )
    parser.add_argument(
        "--search", action="store_true", help="the same as --strategy search: add what promises most"
    )
    parser.add_argument("--runtimes", default="", help="comma-separated; default: all that are available")
    parser.add_argument("--train", help="a training set for techniques that train; as --data, but no id")
    parser.add_argument(
        "--objective",
        default=Objective.LATENCY.value,
        help=f"what to have the most of within the limits: {', '.join(Objective)} (default: latency)",
    )
    drop = "default: 1 point; 1 %% of the targets' standard deviation in MAE or RMSE"
    add_measuring_options(parser, drop)


def add_measuring_options(parser: argparse.ArgumentParser, usual_drop: str) -> None:
    """Add on what, within which limits and how candidates are measured, and where results go.

    Args:
        parser: Gets the options.
        usual_drop: What holds without ``--max-drop``.
    """
    parser.add_argument(
        "--data", help="npz, CSV, folder or zip of images, a built-in set such as digits, or an id"
    )
    known = ", ".join(metrics())
    parser.add_argument("--metric", default="", help=f"{known} (default: the task's)")
    parser.add_argument(
        "--max-drop",
        type=float,
        help="points of accuracy and other shares, else in the metric's own unit; inf for no limit "
        f"({usual_drop})",
    )
    parser.add_argument("--max-latency", type=float, help="milliseconds per call")
    parser.add_argument("--max-size", type=float, help="megabytes")
    parser.add_argument("--max-memory", type=float, help="megabytes at the peak, above the empty runtime")
    parser.add_argument(
        "--min-throughput", type=float, help="samples per second, at the best of the measured batch sizes"
    )
    parser.add_argument("--budget", default="", help="time in all, such as 90s or 10m")
    parser.add_argument("--threads", type=int, default=1, help="threads of every runtime (default: 1)")
    parser.add_argument("--batch", type=int, help="samples per call (default: 1, or what the model takes)")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice (default: 0)")
    parser.add_argument(
        "--executor", default="", help="who builds and measures (default: WHETSTONE_EXECUTOR)"
    )
    parser.add_argument(
        "--measure-on",
        action="append",
        default=[],
        metavar="KIND",
        help="kind of machine to measure on, as doctor lists the nodes of a cluster; repeat for several",
    )
    parser.add_argument("--out", type=Path, help="folder for results.json and the artifacts")
    parser.add_argument("--json", action="store_true", help="print the results on stdout")
    parser.add_argument(
        "--verbose", action="store_true", help="print every event with its time and its duration on stderr"
    )


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("optimize", help="build and measure optimized versions of a model")
    add_source_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run)


class Progress:
    """Prints each candidate when it is final or has new figures, and the stage when it changes.

    Args:
        console: Where to print.
        verbose: Every event, too.
    """

    def __init__(self, console: Console, verbose: bool = False) -> None:
        self._console, self._verbose, self._told = console, verbose, 0
        self._shown: dict[str, str] = {}
        self._stage = self._parts = ""

    def __call__(self, view: RunView) -> None:
        """Print what is new in `view`."""
        for event in event_log(view)[self._told :] if self._verbose else ():
            self._told = event.sequence
            took = "" if event.seconds is None else f" ({event.seconds:.1f} s)"
            self._console.print(f"[dim]{event.after_s:7.1f} s  {escape(event.text)}{took}[/]")
        if view.data is not None and not self._parts:
            self._parts = f"{view.data.name}: {view.data.preparation.get('Used as', '')}"
            self._console.print(f"[dim]{escape(self._parts)}[/]")
        for each in view.each:
            for row in each.candidates:
                where = f"  on {escape(each.machine)}" if view.others else ""
                # Once more where the final heat changed the figures.
                if row.candidate.status.final and self._shown.get(row.id) != (line := describe(row) + where):
                    self._shown[row.id] = line
                    self._console.print(line)
        if view.progress.stage and view.progress.stage != self._stage:
            self._stage = view.progress.stage
            done, total = view.progress.done, view.progress.total
            self._console.print(
                f"[dim]{done}/{total} {view.progress.elapsed_s:.0f} s  {escape(self._stage)}[/]"
            )


def describe(row: Row) -> str:
    """Return one line on a final candidate."""
    name = escape(row.name)
    if row.speedup is None or row.latency_ms is None:
        elsewhere = row.candidate.status is CandidateStatus.UNMEASURED and row.candidate.error
        needed = f" {escape(elsewhere.hint)}" if elsewhere else ""
        needed += f" ({row.size_bytes / 1e6:.2f} MB)" if row.size_bytes is not None else ""
        return f"[yellow]{row.status:8}[/] {name}: {escape(row.why)}{needed}"
    speed = row.speedup
    figures = f"{row.latency_ms.value:9.3f} ms  {speed.value:5.2f}x ({speed.low:.2f}–{speed.high:.2f})"
    if row.accuracy is not None and row.change is not None:
        scale, change = row.scale, row.change.value
        metric = "" if scale == Scale() else f"{scale.name} "
        figures += f"  {metric}{scale.words(row.accuracy, 2):>8} ({scale.difference(change)})"
    elif row.agreement is not None:
        result = row.candidate.result
        of = " of detections" if result is not None and result.fidelity.detections else ""
        figures += f"  agrees on {row.agreement.value:.1f} %{of}"
    return f"[green]{row.status:8}[/] {figures}  {(row.size_bytes or 0) / 1e6:8.2f} MB  {name}"


def check_out(folder: Path | None) -> None:
    """Refuse a folder for results that cannot be written, before any work.

    Raises:
        InvalidRequest: It cannot be made, or no file in it.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise InvalidRequest(
            f"The folder {folder} cannot be written: {error.strerror}.", hint="Name another with --out."
        ) from error


def write(store: Store, view: RunView, folder: Path) -> dict[str, Any]:
    """Write every artifact and ``results.json`` below `folder`; return the results."""
    folder.mkdir(parents=True, exist_ok=True)
    found = results(store, view, export(store, view.run.id, folder))
    partial = folder / "results.json.partial"
    partial.write_text(json.dumps(found, indent=2) + "\n")
    partial.replace(folder / "results.json")
    return found


def worth_telling(store: Store, view: RunView) -> tuple[Finding, ...]:
    """Return the findings on what is recommended that have something at stake, the largest first."""
    row = view.find(view.recommendation.candidate_id or view.recommendation.near_miss)
    found = findings_of(store, view, row) if row is not None else ()
    return tuple(each for each in found if each.stake and each.kind is FindingKind.WARNING)[:TOLD]


def finish(store: Store, view: RunView, options: argparse.Namespace, console: Console) -> int:
    """Write and print the outcome of a run; return the exit code."""
    found = write(store, view, options.out) if options.out else results(store, view)
    if options.json:
        print_json(found)
    if view.run.status is RunStatus.FAILED:
        raise from_record(view.run.error or ErrorRecord("error", "The run failed."))
    for each in view.each:
        where = f"On {escape(each.machine)}: " if view.others else ""
        console.print(f"[bold]{where}{escape(each.recommendation.sentence)}[/]")
        for note in each.recommendation.notes:
            console.print(f"[dim]{escape(note)}[/]")
        for finding in worth_telling(store, each):
            console.print(f"[yellow]{escape(finding.seen)}[/] [dim]{escape(finding.advice)}[/]")
    if options.out:
        console.print(f"Results and artifacts are in {escape(str(options.out))}.")
    return 0 if any(each.recommendation.candidate_id for each in view.each) else 3


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the options of `add_run_options` mean, as arguments of `core.api.optimize`.

    Raises:
        InvalidRequest: The budget is no time.
    """
    return {
        "preset": options.preset,
        "recipes": options.recipe,
        "strategy": options.strategy or ("search" if options.search else ""),
        "runtimes": [name for name in options.runtimes.split(",") if name],
        "objective": options.objective,
        **measuring(options, AUTO),
    }


def measuring(options: argparse.Namespace, no_drop: Literal["auto"] | None) -> dict[str, Any]:
    """Return what the options of `add_measuring_options` mean, data and output aside.

    Args:
        options: As they were given.
        no_drop: The limit on the drop where none is stated.

    Raises:
        InvalidRequest: The budget is no time.
    """
    return {
        "metric": options.metric,
        "max_drop": no_drop if options.max_drop is None else bounded(options.max_drop),
        "max_latency_ms": bounded(options.max_latency),
        "max_size_bytes": in_bytes(options.max_size),
        "max_memory_bytes": in_bytes(options.max_memory),
        "min_throughput": options.min_throughput,
        "budget_s": seconds(options.budget) if options.budget else None,
        "threads": options.threads,
        "batch": options.batch,
        "seed": options.seed,
        "executor": options.executor,
        "measure_on": options.measure_on,
    }


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
