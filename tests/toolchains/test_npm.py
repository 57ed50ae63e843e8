"""Files of npm packages: fetched by a program named npm, which stands here for the one with a network."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from core.errors import BackendMissing
from core.toolchains import environments, lists
from core.toolchains.environments import State, folder_of, install, remove, state_of
from core.toolchains.lists import Toolchain, get_toolchain

LIST = """\
# name: Tiny
# summary: For tests.
# files: dist/tiny.mjs README.md
tiny==1.0
"""
NPM = """\
#!/bin/sh
[ "$1 $2 $3" = "pack tiny@1.0 --pack-destination" ] || exit 1
cp {archive} "$4/tiny-1.0.tgz"
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    (tmp_path / "tiny.txt").write_text(LIST)
    package = tmp_path / "package" / "dist"
    package.mkdir(parents=True)
    (package / "tiny.mjs").write_text("export default 1;")
    (package.parent / "README.md").write_text("tiny")
    (package / "large.wasm").write_bytes(bytes(1000))
    with tarfile.open(tmp_path / "tiny.tgz", "w:gz") as archive:
        archive.add(package.parent, "package")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "npm").write_text(NPM.format(archive=tmp_path / "tiny.tgz"))
    (tmp_path / "bin" / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(lists, "HERE", tmp_path)
    monkeypatch.setattr(environments, "_root", lambda: tmp_path / "environments")
    return get_toolchain("tiny")


def test_the_files_of_the_list_are_kept_and_no_others(tiny: Toolchain) -> None:
    assert state_of(tiny) is State.MISSING
    install(tiny)
    assert state_of(tiny) is State.READY
    kept = folder_of(tiny) / "files"
    assert {path.name for path in kept.iterdir()} == {"tiny.mjs", "README.md"}
    (kept / "tiny.mjs").unlink()
    assert state_of(tiny) is State.DAMAGED
    install(tiny)
    assert (kept / "tiny.mjs").read_text() == "export default 1;"
    remove(tiny)
    assert state_of(tiny) is State.MISSING


def test_a_package_without_a_file_of_the_list_is_no_environment(tiny: Toolchain, tmp_path: Path) -> None:
    listed = tmp_path / "tiny.txt"
    listed.write_text(LIST.replace("README.md", "missing.js"))
    with pytest.raises(BackendMissing, match=r"holds no missing\.js"):
        install(get_toolchain("tiny"))
    assert state_of(get_toolchain("tiny")) is not State.READY


def test_without_npm_it_says_what_to_install(tiny: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackendMissing, match="npm is not installed") as caught:
        install(tiny)
    assert "apt-get install npm" in caught.value.hint
