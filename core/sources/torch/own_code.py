"""Models with custom Python code: weights beside the code, opened and exported in one process.

The only place where a stranger's Python runs. Call it in a confined process that may read this upload and
write one folder; what comes out is a torch.export program, which is looked at as an upload of its own.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from core.archives.torch_files import is_safetensors, torch_zip_kind
from core.archives.zips import extract_zip
from core.complaints import complaint
from core.errors import InputError, InvalidRequest, UnsupportedModel
from core.protocols import InspectOptions
from core.sources.torch.exporting import export_program
from core.sources.torch.forward_pass import runner
from core.sources.torch.script_inputs import find_inputs
from core.texts import one_line, shown
from core.work.unit import Done, Job, Kind

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = "Write it as it stands in your code, with plain values: Net(width=32)."
LONGEST_REASON = 300
LONGEST_CALL = 200
WEIGHTS = (".pth", ".pt", ".bin", ".ckpt", ".safetensors", ".tar")


class Call(NamedTuple):
    """How the network is built: what is called, and with which plain values."""

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]


def parse_build(text: str) -> Call:
    """Return what an expression such as ``Net(width=32)`` calls; nothing in it is evaluated but plain values.

    Raises:
        InvalidRequest: It is anything else than one call of a name with plain values.
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or any(word.arg is None for word in call.keywords):
            raise ValueError("it is no call")
        args = tuple(ast.literal_eval(value) for value in call.args)
        options = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        return Call(_dotted(call.func), args, options)
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError) as error:
        raise InvalidRequest(
            f"{one_line(text, LONGEST_CALL)!r} does not say how the network is built.", hint=EXAMPLE
        ) from error


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError("it is no name")


class ExportRequest(msgspec.Struct, frozen=True):
    """A zip with code and weights, which the unit `reads`, and what the person stated."""

    path: Path
    options: InspectOptions


def export(request: ExportRequest, job: Job) -> Done[None]:
    """Build the network, load its weights and export it; the program is what the unit leaves.

    Raises:
        InputError: The code, the weights or the expression cannot be used; the message says why.
    """
    folder, options = job.folder, request.options
    files = extract_zip(request.path, folder / "unpacked")
    code = [file for file in files if file.suffix == ".py"]
    network = _network(code, _weights(files), options.build)
    names = _inputs(network)
    stated = options.shapes
    if len(names) == len(stated) == 1:
        stated = {names[0]: next(iter(stated.values()))}
    specs = find_inputs(network, names, runner(network, names), InspectOptions(shapes=stated))
    export_program(network, specs, {}, folder / "model.pt2")
    return Done(None, [folder / "model.pt2"])


def _weights(files: list[Path]) -> Path:
    found = [file for file in files if file.suffix.lower() in WEIGHTS]
    if len(found) != 1:
        what = f"{len(found)} files of weights ({shown([f.name for f in found])})" if found else "no weights"
        raise UnsupportedModel(
            f"Beside the code there are {what}.",
            hint="Give one state dict, safetensors file or pickled module.",
        )
    return found[0]


def _network(code: list[Path], weights: Path, build: str) -> nn.Module:
    """Return the network in eval mode."""
    import torch

    if build:
        call = parse_build(build)
        made = _called(_find(code, call.name), call)
        _fill(made, _read(weights))
        return made.eval()
    if not is_safetensors(weights) and torch_zip_kind(weights) == "pickled_module":
        for file in code:
            _import(file)
        loaded = _read(weights)
        if isinstance(loaded, torch.nn.Module):
            return loaded.eval()
    raise InvalidRequest(
        "The weights do not say how the network is built. "
        f"The code defines {shown(_defined(code)) or 'nothing'}.",
        hint=EXAMPLE,
    )


def _find(code: list[Path], name: str) -> Any:
    """Return the class or function `name`, with or without its module before it."""
    module, _, last = name.rpartition(".")
    where = [
        file
        for file in code
        if (module in ("", file.stem) or module.endswith(f".{file.stem}")) and last in _names(file)
    ]
    if not where:
        raise InvalidRequest(
            f"The code does not define {name}.", hint=f"It defines {shown(_defined(code)) or 'nothing'}."
        )
    return getattr(_import(where[0]), last)


def _names(file: Path) -> list[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnsupportedModel(
            f"{file.name} is no Python that runs here: {complaint(error)}.", hint="Give the file as it runs."
        ) from error
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]


def _defined(code: list[Path]) -> list[str]:
    return [name for file in code for name in _names(file)]


def _import(file: Path) -> Any:
    """Run the file as the module that it is, and show its names to pickles that were made by a script."""
    root = file.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    dotted = ".".join(file.relative_to(root).with_suffix("").parts)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        sys.modules.pop(dotted, None)
        module = importlib.import_module(dotted)
    except Exception as error:
        raise UnsupportedModel(
            f"{file.name} cannot be imported: {complaint(error)}.",
            hint="It may use PyTorch, NumPy and the files beside it, and no network.",
        ) from error
    main = sys.modules["__main__"]
    for name in _names(file):
        setattr(main, name, getattr(module, name))
    return module


def _called(maker: Any, call: Call) -> nn.Module:
    import torch

    try:
        made = maker(*call.args, **call.options)
    except Exception as error:
        raise InvalidRequest(f"{call.name}(...) fails: {complaint(error)}.", hint=EXAMPLE) from error
    if not isinstance(made, torch.nn.Module):
        raise InvalidRequest(
            f"{call.name}(...) gives a {type(made).__name__}, not a torch.nn.Module.", hint=EXAMPLE
        )
    return made


def _read(weights: Path) -> Any:
    """Return what the file holds; pickles are opened whole: this process runs the owner's code anyway."""
    import torch
    from safetensors.torch import load_file

    try:
        if is_safetensors(weights):
            return load_file(str(weights))
        return torch.load(str(weights), map_location="cpu", weights_only=False)
    except Exception as error:
        raise InputError(
            f"The weights in {weights.name} cannot be read: {complaint(error)}.",
            hint="Give the code that they were saved with, or a state dict.",
        ) from error


def _fill(network: nn.Module, loaded: Any) -> None:
    """Put the weights in, as they are named or without the prefixes of wrappers."""
    from core.architectures import unwrap

    if hasattr(loaded, "state_dict"):
        loaded = loaded.state_dict()
    reason = ""
    for strip in (False, True):
        try:
            network.load_state_dict(unwrap(loaded, strip=strip))
            return
        except RuntimeError as error:
            reason = reason or " ".join(str(error).partition(":")[2].split())[:LONGEST_REASON]
    raise UnsupportedModel(
        f"The weights do not fit the network: {reason}.", hint="Check the values in the call that builds it."
    )


def _inputs(network: nn.Module) -> list[str]:
    """Return the names of what forward must be given."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        taken = inspect.signature(network.forward).parameters.values()
    except (TypeError, ValueError) as error:
        raise UnsupportedModel("The network's forward cannot be read.", hint=EXAMPLE) from error
    names = [each.name for each in taken if each.kind in kinds and each.default is inspect.Parameter.empty]
    if not names:
        raise UnsupportedModel(
            "The network's forward takes no tensor by name.",
            hint="Write its inputs out: def forward(self, x).",
        )
    return names


UNIT = Kind(__name__, "export", ExportRequest, type(None), export, leaves_files=True)
