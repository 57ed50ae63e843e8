"""The generated Dockerfile, built by buildah over a base made of Debian's packages, and its service asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from typing import Any

import pytest

from core.packagers.serving.options import ServiceParams
from tests.packagers.serving.conftest import table, unpacked
from tests.packagers.serving.test_started import ask, free_port, is_ready

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TOOLS = ("buildah", "mmdebstrap")
BASE = f"docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim"
PACKAGES = "python3,python3-pip,python3-venv,python-is-python3,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")


class Buildah:
    """Buildah with a storage of its own, without what chroot isolation does not need."""

    def __init__(self, folder: Path) -> None:
        self._root = [
            "--storage-driver",
            "vfs",
            "--root",
            str(folder / "images"),
            "--runroot",
            str(folder / "run"),
        ]
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._policy = ["--signature-policy", str(folder / "policy.json")]

    def command(self, name: str, *arguments: Any) -> list[str]:
        policy = self._policy if name in ("bud", "commit", "from") else []
        return ["buildah", *self._root, name, *policy, *map(str, arguments)]

    def __call__(self, name: str, *arguments: Any) -> str:
        done = subprocess.run(self.command(name, *arguments), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout.strip()


def package_client() -> list[str]:
    """Return what lets pip within the build find packages as it does here."""
    files = [path for name in PIP_FILES if (path := Path(name).expanduser()).is_file()]
    mounts = [f"--volume={path}:/etc/pip.conf:ro" for path in files[:1]]
    mounts += [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.is_file() else []
    named = [name for name in os.environ if name.startswith("PIP_") or name.lower().endswith("_proxy")]
    return mounts + [f"--env={name}={os.environ[name]}" for name in named]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    """Return buildah, with a base image like the one that the Dockerfile names."""
    missing = [name for name in TOOLS if which(name) is None]
    if missing or os.geteuid():
        pytest.skip(
            f"NOT PROVEN: the Dockerfile. Needs root and {missing}: apt-get install {' '.join(TOOLS)}"
        )
    codename = subprocess.check_output(
        ["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"], text=True
    ).strip()
    folder = tmp_path_factory.mktemp("image")
    made, root = Buildah(folder), folder / "root.tar"
    bootstrap = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", codename, root]
    subprocess.run(bootstrap, check=True, capture_output=True)
    base = made("from", "scratch")
    made("add", base, root, "/")
    root.unlink()
    if f"Python {sys.version_info.major}.{sys.version_info.minor}." not in made(
        "run", "--isolation", "chroot", base, "--", "python", "--version"
    ):
        pytest.skip("NOT PROVEN: the Dockerfile. Debian's Python is another one than this.")
    made("commit", "--rm", base, BASE)
    return made


@contextmanager
def started(buildah: Buildah, name: str) -> Iterator[Any]:
    """Run what the image says, as it says; give its configuration."""
    container = buildah("from", "--pull-never", name)
    found = json.loads(buildah("inspect", "--type", "image", name))["Docker"]["config"]
    command = buildah.command("run", "--isolation", "chroot", container, "--", *found["Cmd"])
    with subprocess.Popen(command) as running:
        try:
            yield container, found
        finally:
            running.terminate()


def test_the_image_is_built_and_its_service_answers(buildah: Buildah, tmp_path: Path) -> None:
    port = free_port()
    params = ServiceParams(docker=True, metrics=True, cache=True, port=port)
    folder = unpacked(table(tmp_path / "in"), params, tmp_path / "out")
    build = ["--isolation", "chroot", "--format", "docker", "--pull-never", *package_client()]
    buildah("bud", *build, "--tag", "localhost/made", folder)
    with started(buildah, "localhost/made") as (container, configuration):
        end = monotonic() + 120
        while not is_ready(port) and monotonic() < end:
            sleep(0.2)
        assert ask(port) == 200
        inside = ["run", "--isolation", "chroot", container, "--"]
        assert buildah(*inside, "id", "-u") == "10001"
        assert configuration["User"] == "10001:10001"
        assert buildah(*inside, *configuration["Healthcheck"]["Test"][1:]) == ""
        client = buildah(*inside, "python", "client.py", f"http://127.0.0.1:{port}")
        assert "largest difference 0.0000%" in client
