"""`doctor`: environment report: processor, instruction sets, memory and runtimes."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.cli.output import print_json
from core.engine import own_code_allowed
from core.toolchains.environments import State, install, remove
from core.toolchains.lists import get_toolchain
from core.views import ClusterView, MachineView, machine
from core.work.nodes import node_resources


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor", help="show this computer, its runtimes and how uploads are confined"
    )
    changes = parser.add_mutually_exclusive_group()
    changes.add_argument("--install", metavar="NAME", help="make or repair the environment of a toolchain")
    changes.add_argument("--remove", metavar="NAME", help="remove the environment of a toolchain")
    parser.add_argument(
        "--resources", action="store_true", help="print what this machine declares to a Ray cluster, as JSON"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    parser.set_defaults(run=run)


def _show(view: MachineView, console: Console) -> None:
    here = view.environment
    console.print(f"[bold]{here.cpu}[/], {here.cores} core(s), {here.memory_bytes / 2**30:.1f} GiB")
    console.print(f"instruction sets  {', '.join(here.isa) or 'none that matter'}")
    console.print(f"system            {here.os}, Python {here.python}")
    for _, name, availability in view.runtimes:
        if availability.ok:
            console.print(f"[green]available[/]  {name} {availability.version}")
        else:
            console.print(f"[yellow]missing[/]    {name}: {escape(availability.reason)}")
            console.print(f"           {escape(availability.install)}")
    for each, there in view.toolchains:
        colour = {State.READY: "green", State.MISSING: "dim"}.get(there, "yellow")
        about = f"{escape(each.summary)} ({each.size_gb:g} GB)"
        console.print(f"[{colour}]{there}[/]  toolchain {each.id}: {about}")
        if there is not State.READY:
            console.print(f"           whetstone doctor --install {each.id}")
    closed = view.confinement
    state = "[green]confined[/]" if closed.available else "[yellow]not confined[/]"
    console.print(f"uploads    {state} {escape(closed.reason)}")
    state = "[green]taken[/]" if own_code_allowed(exposed=False) else "[yellow]not taken[/]"
    on_pages = (
        "taken" if own_code_allowed(exposed=True) else "taken only where it answers on this computer alone"
    )
    console.print(f"own code   {state} on the command line; by a dashboard, {on_pages}")
    if view.cluster is not None:
        _show_cluster(view.cluster, console)
    for name, value, changed in view.settings:
        console.print(f"{'[bold]' if changed else '[dim]'}{name}={escape(value)}[/]")


def _change(options: argparse.Namespace, console: Console) -> int:
    toolchain = get_toolchain(options.install or options.remove)
    if options.remove:
        remove(toolchain)
        console.print(f"{escape(toolchain.name)} is removed.")
        return 0
    install(toolchain, lambda line: console.print(f"[dim]{escape(line)}[/]"))
    console.print(f"{escape(toolchain.name)} is ready.")
    return 0


def _show_cluster(cluster: ClusterView, console: Console) -> None:
    for node in cluster.nodes:
        state = node.busy or ("free" if node.ready else "takes no work: it declared no resources")
        gpus = f", {node.gpus} GPU(s)" if node.gpus else ""
        console.print(f"node       {node.name}: {node.cpu or 'unknown'}, {node.cores} core(s){gpus}, {state}")
        if node.isa:
            console.print(f"           {', '.join(node.isa)}")
    if cluster.missing:
        console.print(f"cluster    [yellow]{escape(cluster.missing)}[/]")
        console.print(f"           {escape(cluster.hint)}")


def run(options: argparse.Namespace, console: Console) -> int:
    """Show it, or change a toolchain."""
    if options.install or options.remove:
        return _change(options, console)
    if options.resources:
        print(json.dumps(node_resources()))
        return 0
    view = machine(thorough=True)
    if options.json:
        print_json(view)
    else:
        _show(view, Console(highlight=False, soft_wrap=True))
    return 0
