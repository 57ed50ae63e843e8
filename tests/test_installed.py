"""The wheel holds all that the dashboard needs, and works where nothing but the wheel is."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "pages", "sample_models")
LAUNCHER = ("app.py", ".streamlit")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def files_of(folder: Path) -> set[str]:
    """Return what git would keep of the packages, by name, links followed."""
    walks = (os.walk(folder / name, followlinks=True) for name in PACKAGES)
    paths = (Path(place, name) for walk in walks for place, _, names in walk for name in names)
    return {path.relative_to(folder).as_posix() for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is left in the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    shutil.copytree(ROOT / ".streamlit", source / ".streamlit")
    for name in ("app.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        scripts = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "whetstone = core.cli:main" in archive.read(scripts).decode()
    assert held == files_of(ROOT)
    assert {"pages/app.py", "pages/.streamlit/config.toml", "sample_models/digits-resnet/model.pt2"} <= held


def test_the_container_is_built_from_what_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert {*PACKAGES, *LAUNCHER, "pyproject.toml"} <= copied
    assert all((ROOT / name).exists() for name in copied)
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert shown == copied


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """Install the wheel alone into a fresh environment that takes its dependencies from this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    install = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--python"]
    subprocess.run([*install, tmp_path / "venv" / "bin" / "python", wheel], check=True, capture_output=True)
    # Not by --system-site-packages: that would run the hooks by which this checkout itself is installed.
    libraries = [path for path in sys.path if path.endswith("-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries) + "\n")
    return tmp_path / "venv" / "bin" / "whetstone"


@pytest.fixture
def served(installed: Path, tmp_path: Path, data_dir: Path) -> Iterator[str]:
    """Serve it from a folder that has packages of the same names."""
    for name in PACKAGES:
        (tmp_path / "project" / name).mkdir(parents=True)
        (tmp_path / "project" / name / "__init__.py").write_text("raise ImportError('not this one')")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [installed, "serve", "--port", str(port)],
            cwd=tmp_path / "project",
            env=environment | {"WHETSTONE_DATA_DIR": str(data_dir)},
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 60
        while not healthy(url):
            assert server.poll() is None, (tmp_path / "server.log").read_text()
            assert time.monotonic() < until, (tmp_path / "server.log").read_text()
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def healthy(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except (URLError, OSError):
        return False


@pytest.mark.slow
@pytest.mark.browser
def test_what_is_installed_serves_and_works_from_any_folder(
    served: str, installed: Path, page: Page, tmp_path: Path
) -> None:
    page.goto(served)
    page.locator(".st-key-demo button:enabled").first.wait_for()
    color = "getComputedStyle(document.querySelector('.st-key-demo button')).backgroundColor"
    assert page.evaluate(color) == "rgb(11, 106, 136)", "the theme of our settings is not there"
    until = time.monotonic() + 120
    while "digits" not in (listed := whetstone(installed, tmp_path, "uploads")):
        assert time.monotonic() < until, "the demo was not prepared"
        time.sleep(0.5)
    assert "model" in listed
    sample = next(installed.parents[1].glob("lib/python3*/site-packages/sample_models/cancer-mlp/model.onnx"))
    said = whetstone(installed, tmp_path, "optimize", str(sample), "--recipe", "@openvino", "--json")
    assert {each["status"] for each in json.loads(said)["candidates"]} == {"done"}


def whetstone(installed: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run([installed, *arguments], cwd=folder / "project", capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout
