"""Virtual environments of toolchains: made with uv in the data folder, verified, repaired, removed.

An environment is whole once its mark is written, after everything else. What lies there without one was left
by a process that died, and is made anew. A lock keeps two processes apart; uv inherits it, so that one that
outlives its parent is waited for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from core.errors import BackendMissing
from core.optional import load
from core.sandbox.spawn import Interpreter
from core.settings import get_settings
from core.texts import one_line
from core.toolchains import npm
from core.toolchains.inventory import inventory
from core.toolchains.lists import Toolchain

MARK = "whole"
CODE = "whetstone"
POLL_S = 0.2
Tell = Callable[[str], None]
Watch = Callable[[], object]


class State(StrEnum):
    """What there is of an environment."""

    READY = "ready"
    DAMAGED = "damaged"
    """It was whole, and files of it are gone or others."""
    HALF_MADE = "half made"
    MISSING = "not installed"


def quiet(_: str) -> None:
    """Tell nobody."""


def unwatched() -> None:
    """Let it go on."""


def folder_of(toolchain: Toolchain) -> Path:
    """Return where its environment lies, or would."""
    return _root() / f"{toolchain.id}-{toolchain.lock}"


def state_of(toolchain: Toolchain, thorough: bool = False) -> State:
    """Return what there is of it.

    Args:
        toolchain: Which one.
        thorough: Look at every file, of which there may be tens of thousands; else at the most important.
    """
    folder = folder_of(toolchain)
    if not (folder / MARK).is_file():
        return State.HALF_MADE if folder.exists() else State.MISSING
    parts = () if toolchain.files else (folder / "bin" / "python", folder / "lib")
    if not all(part.exists() for part in parts) or npm.missing(toolchain, folder):
        return State.DAMAGED
    return State.DAMAGED if thorough and _changed(toolchain) else State.READY


def interpreter(toolchain: Toolchain, tell: Tell = quiet, watch: Watch = unwatched) -> Interpreter:
    """Return the Python of its environment, which is made first where it is not whole.

    Args:
        toolchain: Which one.
        tell: Told in a line what is being done.
        watch: Called a few times a second while it is made; what it raises ends that.

    Raises:
        BackendMissing: It cannot be made: wrong machine, no package index, no room, or it does not import.
    """
    if state_of(toolchain) is not State.READY:
        install(toolchain, tell, watch)
    folder = folder_of(toolchain)
    return Interpreter(folder / "bin" / "python", _code(folder))


def install(toolchain: Toolchain, tell: Tell = quiet, watch: Watch = unwatched) -> None:
    """Make its environment and verify it; one that is whole is verified, and made anew where that fails.

    Raises:
        BackendMissing: As for `interpreter`.
    """
    toolchain.check_platform()
    try:
        _install(toolchain, tell, watch)
    except OSError as error:  # a full disk, or something else in its place
        raise _unusable(toolchain, str(error)) from error


def _install(toolchain: Toolchain, tell: Tell, watch: Watch) -> None:
    folder = folder_of(toolchain)
    with _locked(toolchain, tell, watch) as lock:
        if state_of(toolchain) is State.READY:
            tell(f"checking {toolchain.name}")
            if not _changed(toolchain) and not _import_problem(toolchain, lock, watch):
                _mark(toolchain)
                return
        _remove(toolchain)
        tell(f"making the environment {toolchain.name}")
        folder.mkdir(parents=True)
        if toolchain.files:
            if problem := npm.fetch(
                toolchain, folder, lambda words: _run(words, toolchain, lock, tell, watch)
            ):
                raise _unusable(toolchain, problem)
        else:
            _make_python(toolchain, folder, lock, tell, watch)
        tell(f"checking {toolchain.name}")
        if problem := _import_problem(toolchain, lock, watch):
            raise _unusable(toolchain, problem)
        _mark(toolchain)


def _make_python(toolchain: Toolchain, folder: Path, lock: int, tell: Tell, watch: Watch) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join(toolchain.requirements) + "\n")
    python = str(folder / "bin" / "python")
    venv = ["venv", "--allow-existing", "--python", toolchain.python, str(folder)]
    _uv(toolchain, venv, lock, tell, watch)
    # Confined processes may not write beside the packages, so they are compiled now.
    packages = ["pip", "install", "--no-deps", "--compile-bytecode", "--requirements", str(requirements)]
    _uv(toolchain, [*packages, "--python", python], lock, tell, watch)


def remove(toolchain: Toolchain) -> None:
    """Remove its environment, whatever there is of it, and those of other versions of its list."""
    with _locked(toolchain, quiet, unwatched):
        _remove(toolchain)


def _remove(toolchain: Toolchain) -> None:
    for folder in _root().glob(f"{toolchain.id}-*"):
        (folder / MARK).unlink(missing_ok=True)  # first: what is left when this is killed is no whole one
        shutil.rmtree(folder)


def _root() -> Path:
    return get_settings().data_dir.absolute() / "toolchains"


def _code(folder: Path) -> Path:
    """Return a folder with a link to this project's package and nothing else: no library of ours is in it."""
    package = Path(__file__).resolve().parents[1]
    link = folder / CODE / package.name
    if not link.is_symlink() or link.readlink() != package:
        link.parent.mkdir(exist_ok=True)
        fresh = link.with_name(f".{package.name}-{os.getpid()}-{time.monotonic_ns()}")
        fresh.symlink_to(package)
        fresh.replace(link)
    return link.parent


@contextmanager
def _locked(toolchain: Toolchain, tell: Tell, watch: Watch) -> Iterator[int]:
    _root().mkdir(parents=True, exist_ok=True)
    lock = os.open(_root() / f".{toolchain.id}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        told = False
        while not _try_lock(lock):
            if not told:
                tell(f"waiting for another process that makes {toolchain.name}")
                told = True
            watch()
            time.sleep(POLL_S)
        yield lock
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _kept(toolchain: Toolchain) -> Path:
    """Return the folder that holds what was installed."""
    return folder_of(toolchain) / (npm.FILES if toolchain.files else "lib")


def _mark(toolchain: Toolchain) -> None:
    (folder_of(toolchain) / MARK).write_text(f"{toolchain.lock}\n{inventory(_kept(toolchain))}\n")


def _changed(toolchain: Toolchain) -> bool:
    """Whether it holds something else than when it was made; unknown of one that an older version made."""
    try:
        told = (folder_of(toolchain) / MARK).read_text().splitlines()[1:]
        return bool(told) and told[0] != inventory(_kept(toolchain))
    except OSError:  # somebody removes it now
        return True


def _uv(toolchain: Toolchain, words: list[str], lock: int, tell: Tell, watch: Watch) -> None:
    """Run uv, and tell what it says.

    Raises:
        BackendMissing: It fails.
    """
    program = load("uv").find_uv_bin()
    code, said = _run([program, *words], toolchain, lock, tell, watch)
    if code:
        start = next((index for index, line in enumerate(said) if line.startswith("error")), -2)
        raise _unusable(toolchain, " ".join(said[start:]))


def _import_problem(toolchain: Toolchain, lock: int, watch: Watch) -> str:
    """Return why its modules do not import or its files are not there, empty where they do and are."""
    if toolchain.files:
        return npm.missing(toolchain, folder_of(toolchain))
    python = folder_of(toolchain) / "bin" / "python"
    if not python.exists():
        return "it holds no Python"
    code = f"import {', '.join(toolchain.imports)}"
    failed, said = _run([str(python), "-I", "-c", code], toolchain, lock, quiet, watch)
    return (said[-1] if said else f"exit code {failed}") if failed else ""


def _run(
    words: list[str], toolchain: Toolchain, lock: int, tell: Tell, watch: Watch
) -> tuple[int, list[str]]:
    """Run a program to its end and return its exit code and its lines."""
    log = _root() / f".{toolchain.id}.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            pass_fds=(lock,),
            start_new_session=True,
        )
    told = 0
    try:
        while process.poll() is None:
            told = _pass_on(log, told, tell)
            watch()
            time.sleep(POLL_S)
        _pass_on(log, told, tell)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode, _lines(log)


def _pass_on(log: Path, told: int, tell: Tell) -> int:
    lines = _lines(log)
    for line in lines[told:]:
        tell(line)
    return len(lines)


def _lines(log: Path) -> list[str]:
    text = log.read_text(errors="replace")
    return [one_line(line.strip()) for line in text[: text.rfind("\n") + 1].splitlines() if line.strip()]


def _unusable(toolchain: Toolchain, why: str) -> BackendMissing:
    return BackendMissing(
        f"The environment {toolchain.name} cannot be used: {one_line(why, 500).rstrip('.')}.",
        hint=f"It needs a package index and {toolchain.size_gb:g} GB of disk. "
        f"Try: whetstone doctor --install {toolchain.id}",
    )
