"""Environments are made, verified, repaired and removed by the real uv, without a network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import BackendMissing, Cancelled
from core.toolchains import environments
from core.toolchains.environments import State, folder_of, install, interpreter, remove, state_of
from core.toolchains.lists import Toolchain, get_toolchain
from tests.toolchains.tiny import use_tiny, write_list, write_wheel

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    return use_tiny(tmp_path, monkeypatch)


def test_an_environment_is_made_on_demand_and_only_once(tiny: Toolchain) -> None:
    told: list[str] = []
    assert state_of(tiny) is State.MISSING
    found = interpreter(tiny, told.append)
    assert state_of(tiny) is State.READY
    assert any("tiny==1.0" in line for line in told)
    assert [path.name for path in found.root.iterdir()] == ["core"]
    assert (found.root / "core").resolve() == ROOT / "core"
    told.clear()
    assert interpreter(tiny, told.append) == found
    assert not told


def test_what_a_kill_left_half_made_is_told_and_made_anew(tiny: Toolchain, tmp_path: Path) -> None:
    """The process is killed between the environment and its packages."""
    code = (
        "import time; from pathlib import Path; from core.toolchains import environments, lists\n"
        f"lists.HERE = Path({str(tmp_path)!r})\n"
        f"environments._root = lambda: Path({str(tmp_path / 'environments')!r})\n"
        "def tell(line):\n"
        "    if 'Creating' in line: time.sleep(60)\n"
        "environments.install(lists.get_toolchain('tiny'), tell)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder_of(tiny) / "bin" / "python").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert state_of(tiny) is State.HALF_MADE
    interpreter(tiny)
    assert state_of(tiny) is State.READY


def test_one_that_broke_is_repaired_by_installing_it_again(tiny: Toolchain) -> None:
    install(tiny)
    (module,) = folder_of(tiny).glob("lib/python*/site-packages/tiny.py")
    module.unlink()  # uv links files to those of its cache
    module.write_text("broken = True\n")
    assert state_of(tiny) is State.READY
    assert state_of(tiny, thorough=True) is State.DAMAGED
    told: list[str] = []
    install(tiny, told.append)
    assert "broken" not in module.read_text()
    assert state_of(tiny, thorough=True) is State.READY
    told.clear()
    install(tiny, told.append)
    assert told == ["checking Tiny"]


def test_one_that_does_not_import_is_refused_with_the_reason(tiny: Toolchain, tmp_path: Path) -> None:
    write_wheel(tmp_path, "import absent_library\n")
    with pytest.raises(BackendMissing, match="absent_library") as caught:
        install(tiny)
    assert "doctor --install tiny" in caught.value.hint
    assert state_of(tiny) is State.HALF_MADE


def test_a_package_that_cannot_be_had_is_named(tiny: Toolchain, tmp_path: Path) -> None:
    write_list(tmp_path, pins="tiny==1.0\nnowhere-to-be-had==9.9\n")
    with pytest.raises(BackendMissing, match="nowhere-to-be-had"):
        install(get_toolchain("tiny"))


def test_making_one_can_be_stopped(tiny: Toolchain) -> None:
    def stopped() -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        install(tiny, watch=stopped)
    install(tiny)
    assert state_of(tiny) is State.READY


def test_another_list_is_another_environment_and_removing_takes_all(tiny: Toolchain, tmp_path: Path) -> None:
    install(tiny)
    write_list(tmp_path, imports="tiny sys", pins="tiny==1.0; python_version > '3'\n")
    other = get_toolchain("tiny")
    assert other.lock != tiny.lock
    assert state_of(other) is State.MISSING
    remove(other)
    assert state_of(tiny) is State.MISSING
    assert not list((tmp_path / "environments").glob("tiny-*"))


def test_a_machine_that_it_is_not_for_is_refused_before_any_work(
    tiny: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.toolchains.lists.platform.machine", lambda: "abacus")
    with pytest.raises(BackendMissing, match="abacus"):
        install(tiny)
    assert environments.state_of(tiny) is State.MISSING


def test_one_without_its_packages_is_damaged(tiny: Toolchain) -> None:
    interpreter(tiny)
    (folder_of(tiny) / "lib").rename(folder_of(tiny) / "away")
    assert state_of(tiny) is State.DAMAGED
    interpreter(tiny)
    assert state_of(tiny) is State.READY


def test_one_without_its_python_is_made_anew_and_what_is_in_its_place_is_told(tiny: Toolchain) -> None:
    python = environments.interpreter(tiny).python
    python.unlink()
    assert environments.state_of(tiny) is State.DAMAGED
    assert environments.interpreter(tiny).python.exists()
    environments.remove(tiny)
    environments.folder_of(tiny).write_text("no folder")
    with pytest.raises(BackendMissing, match="cannot be used"):
        environments.install(tiny)
