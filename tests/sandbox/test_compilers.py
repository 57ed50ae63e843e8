"""A child that may compile starts the compiler and nothing else, and what it starts is as confined."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import ChildCrashed
from core.sandbox import compilers
from core.sandbox.threads import group_tasks
from tests.sandbox.conftest import Run, needs_confinement

pytestmark = [
    needs_confinement,
    pytest.mark.skipif(compilers.compiler() is None, reason="there is no C++ compiler"),
]
COMPILES = {"compiles": True}
DENIED = "PermissionError"
SOURCE = "#include <vector>\n#include <omp.h>\nint answer() { return std::vector<int>(42).size(); }\n"
BUILD = ["g++", "-fopenmp", "-shared", "-fPIC", "-o", "answer.so", "answer.cpp"]


def test_it_builds_a_library_in_its_folder(run: Run, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "answer.cpp").write_text(SOURCE)
    run("system", argv=BUILD, options=COMPILES)
    assert (folder / "answer.so").read_bytes().startswith(b"\x7fELF")
    with pytest.raises(ChildCrashed, match=DENIED):
        run("system", argv=BUILD)


def test_it_starts_no_other_program_and_forks_no_copy(run: Run) -> None:
    with pytest.raises(ChildCrashed, match=DENIED):
        run("system", argv=["echo", "hi"], options=COMPILES)
    with pytest.raises(ChildCrashed, match=DENIED):
        run("fork", options=COMPILES)


def test_a_packages_program_starts_where_it_is_named_and_no_other(run: Run) -> None:
    (program, *_) = compilers.packaged(("pnnx/pnnx",))
    asked = {"argv": [str(program), "no-such-model.pt"], "options": {"starts": ("pnnx/pnnx",)}}
    with pytest.raises(ChildCrashed, match="CalledProcessError"):  # it runs, and finds no model
        run("system", **asked)
    with pytest.raises(ChildCrashed, match=DENIED):
        run("system", argv=asked["argv"])
    with pytest.raises(ChildCrashed, match=DENIED):
        run("system", argv=["echo", "hi"], options=asked["options"])
    assert compilers.packaged(("no_such_package/program", "pnnx/none")) == ()


def test_the_compiler_reads_and_writes_no_more_than_the_child(run: Run, folder: Path, tmp_path: Path) -> None:
    folder.mkdir(exist_ok=True)
    (tmp_path / "secret.h").write_text("int key;")
    (folder / "stolen.cpp").write_text(f'#include "{tmp_path}/secret.h"\n')
    command = ["g++", "-c", "stolen.cpp", "-o", "stolen.o"]
    run("system", argv=command, options={"confined": False})
    with pytest.raises(ChildCrashed, match="CalledProcessError"):
        run("system", argv=command, options=COMPILES)
    outside = tmp_path / "outside.o"
    (folder / "fine.cpp").write_text("int fine;")
    with pytest.raises(ChildCrashed, match="CalledProcessError"):
        run("system", argv=["g++", "-c", "fine.cpp", "-o", str(outside)], options=COMPILES)
    assert not outside.exists()


@pytest.mark.parametrize("options", [{}, COMPILES])
def test_no_process_leaves_the_group_that_is_killed_with_it(run: Run, options: dict[str, bool]) -> None:
    with pytest.raises(ChildCrashed, match=DENIED):
        run("call", name="setsid", args=[], options=options)
    with pytest.raises(ChildCrashed, match=DENIED):
        run("call", name="setpgid", args=[0, os.getpid()], options=options)


def test_without_a_compiler_nothing_may_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    compilers.programs.cache_clear()
    monkeypatch.setattr(compilers.shutil, "which", lambda name: None)
    assert compilers.compiler() is None
    assert compilers.programs() == ()
    compilers.programs.cache_clear()


def test_the_threads_of_all_processes_of_a_group_are_counted() -> None:
    assert group_tasks(os.getpgid(0)) >= 1
    assert group_tasks(2**22) == 0
