"""Process start: command line, environment, and the thread whose death ends the child."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from core.settings import PREFIX, get_settings

T = TypeVar("T")
# Passwords and tokens live in the environment: a child gets harmless names only.
_KEPT_NAMES = frozenset({"PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"})
_KEPT_PREFIXES = ("LC_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "GOMP_", "MALLOC_")
_SCRATCH_NAMES = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")


@dataclass(frozen=True)
class Interpreter:
    """A Python to start children with, and the folder that it finds this project's package in."""

    python: Path
    root: Path


OURS = Interpreter(Path(sys.executable), Path(__file__).resolve().parents[2])


def spawn(
    module: str,
    folder: Path,
    scratch: Path,
    env: Mapping[str, str],
    interpreter: Interpreter = OURS,
    kept: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start the entry of a child, in a session of its own, with three pipes.

    Args:
        module: Dotted module with the commands.
        folder: Its working folder.
        scratch: Its HOME and TMPDIR.
        env: Variables added last; its PYTHONPATH is appended to the project's.
        interpreter: What runs it.
        kept: Descriptors of ours that it gets, under the same numbers.
    """
    # -P keeps the working folder, which holds uploads, out of the import path.
    command = [str(interpreter.python), "-P", "-s", "-m", "core.sandbox.entry", module]
    return in_spawner(lambda: _start(command, folder, environment(scratch, env, interpreter.root), kept))


def in_spawner(start: Callable[[], T]) -> T:
    """Call `start` in the thread that starts all children of this process, and return what it returns."""
    return _spawner(os.getpid()).submit(start).result()


@cache
def _spawner(process: int) -> ThreadPoolExecutor:
    """Return the thread that starts all children of this process.

    The kernel's parent-death signal fires when the *thread* that started a child ends, so a child of a
    short-lived thread would die with it. Keyed by process, because a forked copy lacks the thread.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"spawn-{process}")


def _start(
    command: list[str], folder: Path, env: dict[str, str], kept: Sequence[int]
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        bufsize=0,
        cwd=folder,
        env=env,
        start_new_session=True,
        pass_fds=kept,
    )


def environment(scratch: Path, env: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return the variables of a child: harmless ones of ours, its folders, and those of `env`."""
    kept = {k: v for k, v in os.environ.items() if k in _KEPT_NAMES or k.startswith(_KEPT_PREFIXES)}
    own = get_settings().extensions
    added = {
        **({f"{PREFIX}EXTENSIONS": str(own.resolve())} if own else {}),
        "PYTHONDONTWRITEBYTECODE": "1",
        "JOBLIB_MULTIPROCESSING": "0",
        **dict.fromkeys(_SCRATCH_NAMES, str(scratch)),
        **env,
    }
    added["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), env.get("PYTHONPATH", "")]))
    return kept | added
