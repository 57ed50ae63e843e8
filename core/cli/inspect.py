"""`inspect`: what a model is and what cannot be done with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from core.cli.output import print_json
from core.domain.model import TASKS, SourceModel, TensorSpec
from core.engine import add_model, open_store
from core.errors import InvalidRequest
from core.protocols import InspectOptions
from core.views import ModelView, model_view


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add what may be stated about a model file."""
    parser.add_argument(
        "model",
        type=Path,
        help="ONNX, torch.export, TorchScript, state-dict, LiteRT or OpenVINO file, or an id",
    )
    parser.add_argument("--architecture", default="", help="architecture of a state dict, such as resnet18")
    parser.add_argument("--task", default="", help=f"what it is for: {', '.join(TASKS)}; default: guessed")
    parser.add_argument(
        "--code",
        type=Path,
        action="append",
        default=[],
        metavar="MODEL.PY",
        help="Python that defines the network of the weights, run once in a confined process",
    )
    parser.add_argument("--build", default="", help="how that network is built, such as 'Net(width=32)'")
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="INPUT=1,3,224,224",
        help="example shape of an input; repeat for several",
    )


def source_options(options: argparse.Namespace) -> InspectOptions:
    """Return what was stated about the model file.

    Raises:
        InvalidRequest: A shape does not follow the form.
    """
    shapes = {}
    for text in options.shape:
        name, _, sizes = text.rpartition("=")
        try:
            shapes[name] = tuple(int(size) for size in sizes.split(","))
        except ValueError as error:
            raise InvalidRequest(
                f"The shape {text!r} cannot be read.", hint="Write it as input=1,3,224,224."
            ) from error
    return InspectOptions("", options.architecture, shapes, options.task, options.build)


def described(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was stated about the model file, as arguments of `core.api.optimize`.

    Raises:
        InvalidRequest: A shape does not follow the form.
    """
    stated = source_options(options)
    return {
        "architecture": stated.architecture,
        "shapes": stated.shapes,
        "task": stated.task,
        "code": options.code,
        "build": stated.build,
    }


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("inspect", help="describe a model and what cannot be done with it")
    add_source_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    parser.set_defaults(run=run)


def _tensor(spec: TensorSpec) -> str:
    return f"{spec.name} {spec.dtype} ({', '.join(str(size) for size in spec.shape)})"


def _show(view: ModelView, console: Console) -> None:
    model: SourceModel = view.model
    macs = f", {model.macs / 1e6:,.1f} M MACs" if model.macs else ""
    console.print(f"[bold]{escape(model.name)}[/]: {model.format}, {model.task}")
    if model.architecture:
        console.print(f"architecture  {escape(str(model.architecture.get('name')))}")
    console.print(f"size          {model.parameters:,} parameters, {model.size_bytes / 1e6:.2f} MB{macs}")
    for label, specs in (("input", model.inputs), ("output", model.outputs)):
        for spec in specs:
            console.print(f"{label:13} {escape(_tensor(spec))}")
    console.print(f"example       {escape(str(model.shapes()))}")
    for note in model.notes:
        console.print(f"[yellow]note[/]          {escape(note.message)} {escape(note.hint)}")
    for row in view.techniques:
        if row.applicable:
            console.print(f"[green]can[/]           {row.name} [dim]({row.id})[/]")
        else:
            console.print(f"[yellow]cannot[/]        {row.name}: {escape(row.reason)} {escape(row.hint)}")


def run(options: argparse.Namespace, _: Console) -> int:
    """Describe it."""
    store = open_store()
    stated = source_options(options)
    model = add_model(store, options.model, stated, beside=True, code=options.code, exposed=False)
    view = model_view(store, model.id)
    if options.json:
        print_json(view)
    else:
        _show(view, Console(highlight=False, soft_wrap=True))
    return 0
