"""Models with custom Python code: collected, permitted or not, exported in confinement."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.archives.zips import BROKEN_ZIP, is_zip
from core.engine.executors import local
from core.errors import InvalidRequest, NotFound, SandboxUnavailable
from core.protocols import InspectOptions
from core.sandbox.confinement import confinement
from core.settings import get_settings
from core.sources.names import display_name
from core.sources.torch.own_code import UNIT as EXPORT
from core.sources.torch.own_code import WEIGHTS, ExportRequest, parse_build
from core.sources.unsupported import folder_refusal
from core.store.store import Store
from core.work.stop import Stop

EPOCH = (2020, 1, 1, 0, 0, 0)
LINES = (
    "Or, without handing over code, export it where it runs: "
    'torch.export.save(torch.export.export(model.eval(), (example,)), "model.pt2").'
)


def allowed(exposed: bool) -> bool:
    """Whether code that comes with a model may be run, confined.

    Args:
        exposed: Whether strangers can reach this server: it answers beyond this computer.
    """
    return {"on": True, "off": False}.get(get_settings().own_code, not exposed)


def holds_code(path: Path) -> bool:
    """Whether a zip holds Python beside weights, and is no Hugging Face model, whose code is never run."""
    if not (path.is_file() and is_zip(path)):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.lower() for name in archive.namelist()]
    except BROKEN_ZIP:
        return False
    last = {name.rpartition("/")[2] for name in names}
    return (
        any(name.endswith(".py") for name in names)
        and any(name.endswith(WEIGHTS) for name in names)
        and not last & {"config.json", "manifest.json"}
        and not any(name.endswith("data.pkl") for name in names)
    )


def gathered(path: Path, code: Sequence[Path], folder: Path) -> Path:
    """Return one file: `path` itself, or a .zip in `folder` of a model's folder, or of weights and code.

    Raises:
        NotFound: A file is missing.
        UnrecognizedFile: The folder holds neither a Hugging Face model nor code with weights.
    """
    if not path.is_dir() and not code:
        return path
    for each in code:
        if not each.is_file():
            raise NotFound(f"There is no file {each}.", hint="Name the Python file that defines the model.")
    inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    kinds = {file.suffix for file in inside} | {file.name for file in inside}
    if path.is_dir() and not code and not kinds & {".py", "config.json"}:
        raise folder_refusal(path)
    root = path if path.is_dir() else path.parent
    members = {str(file.relative_to(root)): file for file in inside} | {file.name: file for file in code}
    target = folder / f"{path.name}.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for name, file in sorted(members.items()):
            with file.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as entry:
                shutil.copyfileobj(source, entry)
    return target


def _entry(name: str) -> zipfile.ZipInfo:
    """Return the entry `name` without a time, so that equal files make equal archives."""
    return zipfile.ZipInfo(name, EPOCH)


def exported(store: Store, path: Path, options: InspectOptions, folder: Path) -> tuple[Path, InspectOptions]:
    """Run the code in `path` once, confined, and return the program that it left with what to inspect it by.

    The caller has the program looked at as any uploaded one, in a fresh process.

    Raises:
        SandboxUnavailable: This system cannot confine it; trusting uploads does not reach that far.
        InputError: Code, weights or expression cannot be used.
    """
    if options.build:
        parse_build(options.build)
    if not confinement().available:
        raise SandboxUnavailable(
            f"A model's own code is only run confined: {confinement().reason}", hint=LINES
        )
    unit = EXPORT.unit(ExportRequest(path, options), reads=(path,))
    files = local(store).run(unit, Stop()).files
    program = store.blobs.lay_out(files, folder)[0]
    return program, replace(options, name=options.name or display_name(path), build="", shapes={})


def check_allowed(exposed: bool) -> None:
    """Refuse a model's own code where strangers could send theirs.

    Raises:
        InvalidRequest: It is off; the hint says how to switch it on and what works without.
    """
    if allowed(exposed):
        return
    off = get_settings().own_code == "off"
    why = "it is switched off" if off else "this server can be reached from other computers"
    raise InvalidRequest(
        f"Models with code of their own are not taken here: {why}.",
        hint=f"{LINES} Who runs the server can set WHETSTONE_OWN_CODE=on.",
    )
