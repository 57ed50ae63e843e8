from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InvalidRequest
from core.registry import packagers, passes
from core.toolchains.lists import get_toolchain, read, toolchains
from tests.toolchains.tiny import write_list


def test_every_list_that_comes_along_is_pinned_and_used() -> None:
    for_runtimes = {name for name, each in toolchains().items() if each.files}
    for_passes = {each.toolchain for each in passes().values()} - {""}
    # A server to try downloads on goes by the name of their kind.
    assert for_passes <= set(toolchains()) <= for_passes | for_runtimes | set(packagers())
    for each in toolchains().values():
        assert each.summary.endswith(".")
        if each.files:
            continue
        # The process that runs there needs these two of ours.
        for library in ("msgspec", "numpy"):
            assert any(re.fullmatch(rf"{library}==[\d.]+", line) for line in each.requirements)


LACKING = """
import sys
sys.modules.update(dict.fromkeys(["psutil", "onnx", "openvino", "sqlalchemy", "pandas", "rich", "PIL"]))
from core.registry import packagers, passes
import core.passes.build, core.formats.check
assert passes()
"""


def test_techniques_are_imported_by_the_libraries_of_a_toolchain_alone() -> None:
    done = subprocess.run([sys.executable, "-c", LACKING], capture_output=True, text=True)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize(
    "pins", ["", "tiny>=1.0\n", "tiny\n", "--index-url somewhere\n", "tiny @ file:///x\n"]
)
def test_what_is_not_pinned_is_no_list(tmp_path: Path, pins: str) -> None:
    with pytest.raises(InvalidRequest, match="no list of a toolchain"):
        read(write_list(tmp_path, pins=pins))


@pytest.mark.parametrize("more", ["# size_gb: nan\n", "# size_gb: much\n"])
def test_a_size_that_is_no_number_is_told(tmp_path: Path, more: str) -> None:
    listed = write_list(tmp_path)
    listed.write_text(more + listed.read_text())
    with pytest.raises(InvalidRequest, match="size_gb"):
        read(listed)


def test_the_lock_follows_what_is_installed(tmp_path: Path) -> None:
    first = read(write_list(tmp_path)).lock
    assert read(write_list(tmp_path, imports="tiny json")).lock == first
    assert read(write_list(tmp_path, pins="tiny==1.1\n")).lock != first


def test_an_unknown_one_names_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest) as caught:
        get_toolchain("nothing")
    assert "litert" in caught.value.hint
