"""A toolchain of one package of the tests' own, which the real uv installs without a network."""

from __future__ import annotations

import platform
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from core.toolchains import environments, lists
from core.toolchains.lists import Toolchain, get_toolchain

HEAD = """\
# name: Tiny
# summary: For tests.
# python: {python}
# platform: {system} {machine}
# imports: {imports}
"""


def write_wheel(folder: Path, content: str = "made = True\n") -> None:
    """Write the package ``tiny``; with it the libraries of this process, so that a unit can run there."""
    about = "tiny-1.0.dist-info"
    paths = [sysconfig.get_path("purelib"), *(path for path in sys.path if path.endswith("site-packages"))]
    files = {
        "tiny.py": content,
        "tiny.pth": "\n".join(dict.fromkeys(paths)) + "\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in (files | {f"{about}/RECORD": record}).items():
            wheel.writestr(name, text)


def write_list(folder: Path, imports: str = "tiny", pins: str = "tiny==1.0\n") -> Path:
    """Write ``tiny.txt`` for this machine."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    system = platform.system().lower()
    head = HEAD.format(python=python, system=system, machine=platform.machine(), imports=imports)
    path = folder / "tiny.txt"
    path.write_text(head + pins)
    return path


def use_tiny(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    """Return the toolchain, with `folder` for its list, its wheel and its environment."""
    write_wheel(folder)
    write_list(folder)
    monkeypatch.setattr(lists, "HERE", folder)
    monkeypatch.setattr(environments, "_root", lambda: folder / "environments")
    for name, value in {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
    return get_toolchain("tiny")
