"""`deploy`: make a service of a measured candidate, and try it here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.api import Deployment, deploy
from core.cli.outcome import check_out
from core.cli.output import print_json
from core.domain.service import Trial
from core.errors import InvalidRequest
from core.packagers.serving.options import Features, Packaging, names
from core.registry import packagers
from core.search.spelling import value_of
from core.work.unit import Progress


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("deploy", help="make a service of a candidate, and try it here")
    parser.add_argument("run_id", metavar="RUN", help="id as `runs` lists it, or the folder of --out")
    parser.add_argument(
        "--candidate", default="", metavar="ID", help="id or name; the recommended by default"
    )
    kinds = [each.id for each in packagers().values() if each.deploys]
    parser.add_argument("--as", dest="kind", default=kinds[0], help=f"one of {', '.join(kinds)}")
    parser.add_argument("--with", dest="features", default="", help=f"of {', '.join(names(Features))}")
    parser.add_argument("--canary", default="", metavar="ID", help="candidate that a share of callers gets")
    parser.add_argument(
        "--shadow", default="", metavar="ID", help="candidate that is asked the same and compared"
    )
    parser.add_argument("--package", default="", help=f"of {', '.join(names(Packaging))}")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="another option; repeat for several"
    )
    parser.add_argument("--out", type=Path, help="folder to write it to; it must not be there")
    parser.add_argument(
        "--try", dest="trying", action="store_true", help="start it confined, ask it, load it, stop it"
    )
    parser.add_argument("--json", action="store_true", help="print what came of it on stdout")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Make it and, if asked for, try it; 3 where it does not give the measured outputs."""
    if options.out is not None:
        check_out(options.out.parent)

    def told(progress: Progress) -> None:
        console.print(f"[dim]{escape(progress.message)}[/]")

    made = deploy(
        options.run_id,
        options.candidate,
        kind=options.kind,
        features=options.features.split(","),
        package=options.package.split(","),
        options=dict(map(_option, options.set)),
        canary=options.canary,
        shadow=options.shadow,
        out=options.out,
        trying=options.trying,
        on_progress=told,
    )
    if options.json:
        print_json(document(made))
    else:
        _print(made)
    return 3 if made.trial is not None and not made.trial.equal else 0


def _option(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise InvalidRequest(f"{text!r} is no option with a value.", hint="Write --set max_batch=16.")
    return name.strip().replace("-", "_"), value_of(value.strip())


def document(made: Deployment) -> dict[str, Any]:
    """Return a deployment as plain values; of a trial the figures that matter stand first."""
    found = made.trial
    head = {"service": made.spelled, "candidate": made.candidate_id, "folder": made.folder}
    return head if found is None else {**head, **figures_of(found)}


def figures_of(found: Trial) -> dict[str, Any]:
    """Return the figures of a trial as the command line prints them."""
    return {
        "equal": found.equal,
        "largest_error": found.largest_error,
        "requests_per_s": found.most.requests_per_s,
        "clients": found.most.clients,
        "p50_ms": found.alone.p50_ms,
        "p95_ms": found.alone.p95_ms,
        "p99_ms": found.alone.p99_ms,
        "bare_p50_ms": found.bare_p50_ms,
        "overhead_ms": found.overhead_ms,
        "cached_p50_ms": found.cached_p50_ms,
        "stages_ms": found.stages,
        "errors": found.errors,
        "ready_ms": found.ready_ms,
        "memory_bytes": found.memory_bytes,
        "alive": found.alive,
        "refused": [{"name": e.name, "wanted": e.wanted, "status": e.status} for e in found.refusals],
        "loads": found.loads,
    }


def _print(made: Deployment) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if made.trial is not None:
        _print_trial(console, made.trial)
    if made.folder is not None:
        console.print(f"Wrote {escape(str(made.folder))}; README.md says how to run it.")


def _print_trial(console: Console, found: Trial) -> None:
    same = "the outputs of the measurement" if found.equal else "[red]other outputs than measured[/]"
    console.print(
        f"[bold]{found.golden} golden inputs gave {same}[/] ({found.largest_error:.4%} of the range)"
    )
    told = ", ".join(f"{name} {took:.2f}" for name, took in found.stages.items())
    console.print(
        f"One client: {found.alone.p50_ms:.2f} ms at the median, a bare call {found.bare_p50_ms:.2f} ms: "
        f"[bold]{found.overhead_ms:+.2f} ms[/] ({told})"
    )
    if found.cached_p50_ms is not None:
        console.print(f"Out of the cache: {found.cached_p50_ms:.2f} ms")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Clients", "Requests/s", "p50 ms", "p95 ms", "p99 ms", "Errors"):
        table.add_column(header, justify="right")
    for each in found.loads:
        tail = ["–" if value is None else f"{value:.2f}" for value in (each.p95_ms, each.p99_ms)]
        row = (
            str(each.clients),
            f"{each.requests_per_s:,.0f}",
            f"{each.p50_ms:.2f}",
            *tail,
            str(each.errors),
        )
        table.add_row(*row)
    console.print(table)
    clear = sum(each.clear for each in found.refusals)
    console.print(
        f"{clear} of {len(found.refusals)} wrong requests got a clear error; "
        f"{'ready' if found.alive else '[red]not ready[/]'} afterwards; "
        f"{found.memory_bytes / 1e6:,.0f} MB; ready after {found.ready_ms / 1e3:.1f} s"
    )
