"""Lists of pinned requirements: ``NAME.txt`` here, or in the folder that WHETSTONE_EXTENSIONS names.

A list begins with lines of the form ``# key: value``. ``name`` and ``summary`` are for people, ``python`` is
the version to use, ``platform`` a system and a machine as Python's `platform` names them, ``imports`` the
modules that must import once the environment is made, ``size_gb`` what it takes on disk. Then come lines with
one ``package==version`` each, dependencies included: nothing is resolved when it is installed.

A list that names ``files`` instead of ``python``, ``platform`` and ``imports`` is one of npm packages, of
which these files are kept.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import BackendMissing, InvalidRequest
from core.serde import digest
from core.settings import get_settings

HERE = Path(__file__).parent
NEEDED, NEEDED_OF_NPM = ("name", "python", "platform", "imports"), ("name", "files")
_FACT = re.compile(r"#\s*(\w+):\s*(.+)")
_PIN = re.compile(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[\w.!+-]+(\s*;.*)?")
_SIZE = re.compile(r"\d{1,6}(\.\d{1,6})?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Toolchain:
    """One pinned environment.

    Attributes:
        id: Name of the list.
        name: For people.
        summary: What it is for, in one sentence.
        python: Version of Python, such as ``3.11``.
        platform: System and machine that its packages are for.
        imports: Modules that must import in it.
        size_gb: Room on disk.
        requirements: ``package==version``, all of them.
        files: What is kept of npm packages; empty for a Python environment.
    """

    id: str
    name: str
    summary: str
    python: str
    platform: str
    imports: tuple[str, ...]
    size_gb: float
    requirements: tuple[str, ...]
    files: tuple[str, ...] = ()

    @property
    def lock(self) -> str:
        """Hash of what is installed: it enters the ids of what is built with it."""
        files = (self.files,) if self.files else ()
        return digest(self.python, self.platform, sorted(self.requirements), *files)[:12]

    def check_platform(self) -> None:
        """Refuse a machine that its packages are not for.

        Raises:
            BackendMissing: It is another one.
        """
        here = f"{platform.system().lower()} {platform.machine()}"
        if self.platform and here != self.platform:
            raise BackendMissing(
                f"{self.name} needs {self.platform}; this machine is {here}.",
                hint="Run Whetstone on such a machine, or leave this technique out.",
            )


def toolchains() -> dict[str, Toolchain]:
    """Return all toolchains by id.

    Raises:
        InvalidRequest: A list is not as this module describes.
    """
    own = get_settings().extensions
    paths = [path for folder in (HERE, *([own] if own else [])) for path in sorted(folder.glob("*.txt"))]
    return {path.stem: read(path) for path in paths}


def get_toolchain(name: str) -> Toolchain:
    """Return the toolchain of this id.

    Raises:
        InvalidRequest: There is none.
    """
    found = toolchains()
    if name not in found:
        raise InvalidRequest(
            f"There is no toolchain named {name!r}.", hint=f"Known: {', '.join(found) or 'none'}."
        )
    return found[name]


def read(path: Path) -> Toolchain:
    """Return the toolchain that the list at `path` describes.

    Raises:
        InvalidRequest: It is not as this module describes.
    """
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines()]
    facts = {found[1]: found[2] for line in lines if (found := _FACT.fullmatch(line))}
    pins = tuple(line for line in lines if line and not line.startswith("#"))
    needed = NEEDED_OF_NPM if "files" in facts else NEEDED
    problems = [f"{line!r} is no package==version" for line in pins if not _PIN.fullmatch(line)]
    problems += [f"it lacks {fact!r}" for fact in needed if fact not in facts]
    problems += [] if _SIZE.fullmatch(facts.get("size_gb", "0")) else ["its size_gb is no number"]
    problems += [] if pins and _NAME.fullmatch(path.stem) else ["it is empty or misnamed"]
    if problems:
        raise InvalidRequest(
            f"{path} is no list of a toolchain: {problems[0]}.", hint="See docs/toolchains.md."
        )
    return Toolchain(
        id=path.stem,
        name=facts["name"],
        summary=facts.get("summary", ""),
        python=facts.get("python", ""),
        platform=facts.get("platform", ""),
        imports=tuple(facts.get("imports", "").split()),
        size_gb=float(facts.get("size_gb", 0)),
        requirements=pins,
        files=tuple(facts.get("files", "").split()),
    )
