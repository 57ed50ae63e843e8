"""A service as it would be written: its files to look at, its checklist, the commands that make it."""

from __future__ import annotations

import shlex
import zipfile
from dataclasses import dataclass
from typing import Any

from core.domain.service import Trial
from core.engine import kit_path, stored_trial
from core.engine.kits import chosen
from core.packagers.serving.checklist import Line, lines, measured
from core.packagers.serving.options import Features, Packaging, on
from core.protocols import Packager
from core.store.store import Store
from core.views.commands import launcher

LARGEST_SHOWN = 200_000
"""Bytes of a file that is shown."""


@dataclass(frozen=True)
class ServiceView:
    """A service as it would be written.

    Attributes:
        files: Text by name, those of the adapter and its settings first; what is large or no text is None.
        sizes: Bytes by name.
        checklist: What is shown of it, and what is open.
        trial: What came of trying it; None where it was not.
        command: The same on the command line.
        python: The same in Python.
    """

    files: dict[str, str | None]
    sizes: dict[str, int]
    checklist: tuple[Line, ...]
    trial: Trial | None
    command: str
    python: str


def service_view(store: Store, candidate_id: str, spelled: str) -> ServiceView:
    """Return a service of a candidate, written now if it was not before.

    Raises:
        WhetstoneError: It cannot be written, with the reason.
    """
    candidate, (packager, params) = store.candidates.get(candidate_id), chosen(spelled)
    files, sizes = _files(store, candidate_id, spelled)
    trial = stored_trial(store, candidate_id, packager, params)
    everyone = store.candidates.list(candidate.run_id)
    baseline = next(each for each in everyone if each.machine == candidate.machine)
    if packager.elsewhere:
        ticks = (*measured(candidate, baseline), Line("The running server", False, packager.elsewhere))
    else:
        ticks = lines(candidate, baseline, trial, params)
    spelled_out = (candidate.run_id, candidate_id, packager, params)
    return ServiceView(files, sizes, ticks, trial, _command(*spelled_out), _python(*spelled_out))


def _files(store: Store, candidate_id: str, spelled: str) -> tuple[dict[str, str | None], dict[str, int]]:
    with zipfile.ZipFile(kit_path(store, candidate_id, spelled)) as archive:
        entries = sorted(archive.infolist(), key=lambda each: _rank(each.filename))
        texts = {
            each.filename: _text(archive.read(each)) if each.file_size <= LARGEST_SHOWN else None
            for each in entries
        }
    return texts, {each.filename: each.file_size for each in entries}


def _text(content: bytes) -> str | None:
    """Return the text of a file; None where it is none."""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def _rank(name: str) -> tuple[int, str]:
    """Return where a file stands: what is read first, then the core, the packaging and the kits."""
    first = ("README.md", "app.py", "serve.py", "client.py", "service.json")
    if name in first:
        return first.index(name), name
    if name.endswith(("config.pbtxt", "config.properties", "models/config.json")):
        return len(first), name
    folders = ("serving/", "Dockerfile", "compose", "k8s/", "systemd/")
    return next((10 + at for at, each in enumerate(folders) if name.startswith(each)), 90), name


def _others(params: Any) -> dict[str, Any]:
    """Return the options that are neither switches nor left as they are."""
    usual, switches = type(params)(), {*on(Features, params), *on(Packaging, params)}
    return {
        name: value
        for name, value in vars(params).items()
        if name not in switches and value != getattr(usual, name)
    }


def _command(run_id: str, candidate_id: str, packager: Packager, params: Any) -> str:
    words = [*launcher(), "deploy", run_id, "--candidate", candidate_id, "--as", packager.id]
    for name, group in (("--with", Features), ("--package", Packaging)):
        if switched := on(group, params):
            words += [name, ",".join(switched).replace("_", "-")]
    for name, value in _others(params).items():
        words += ["--set", f"{name}={value}"]
    return shlex.join([*words, *(["--try"] if packager.serves else []), "--out", "service"])


def _python(run_id: str, candidate_id: str, packager: Packager, params: Any) -> str:
    words = {
        "kind": packager.id,
        "features": on(Features, params),
        "package": on(Packaging, params),
        "options": _others(params),
        "out": "service",
        "trying": bool(packager.serves),
    }
    told = "".join(f"    {name}={value!r},\n" for name, value in words.items() if value)
    return (
        f"from core import deploy\n\nmade = deploy(\n    {run_id!r},\n    {candidate_id!r},\n{told})\n"
        f"print(made.{'trial.overhead_ms' if packager.serves else 'folder'})\n"
    )
