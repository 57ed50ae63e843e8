"""The contract of executors, on every one of them."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import Cancelled, ChildCrashed, ChildTimeout, PassFailed, UnsafeUpload
from core.store.blobs import Blobs
from core.work.executor import Executor
from core.work.stop import Stop
from core.work.unit import Progress, WorkResult, WorkUnit
from tests.work.conftest import probe


def unit(act: str, number: float = 0.0, path: str = "", **more: Any) -> WorkUnit[Any, Any]:
    kind = probe()
    request = kind.Request(act, number, path)
    made: WorkUnit[Any, Any] = kind.UNIT.unit(request, toolchain=kind.TOOLCHAIN, **more)
    return made


def run(executor: Executor, act: str, **more: Any) -> WorkResult[Any]:
    return executor.run(unit(act, **more), Stop())


def test_a_unit_turns_inputs_into_values_and_files(executor: Executor, blobs: Blobs, tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text("seven ")
    given = blobs.add(tmp_path / "given.txt", "a/text.txt")
    result = run(executor, "copy", number=7, inputs={"given": (given,)}, seed=3, cores=2)
    assert (result.values.number, result.values.text) == (8, "seven ")
    (file,) = result.files
    assert file.name == "below/copy.txt"
    assert blobs.path(file).read_text() == "seven 7 3 2"
    assert not list((tmp_path / "jobs").iterdir())


def test_an_error_of_ours_arrives_as_it_was(executor: Executor) -> None:
    with pytest.raises(PassFailed) as caught:
        run(executor, "refuse")
    assert (caught.value.message, caught.value.hint) == ("It cannot be done.", "Do something else.")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("crash", "SIGABRT"),
        ("mistake", "by nought"),
        ("endless_progress", "honest"),
        ("cancelled", "was cancelled"),
        ("full", "cannot be written"),
    ],
)
def test_a_crash_is_one_error(executor: Executor, act: str, says: str) -> None:
    with pytest.raises(ChildCrashed, match=says):
        run(executor, act)


def test_a_unit_past_its_deadline_is_stopped(executor: Executor) -> None:
    with pytest.raises(ChildTimeout, match=r"'probe' did not finish within 1\.5"):
        run(executor, "hang", deadline_s=1.5)


def test_a_stop_with_a_deadline_holds_for_its_units(executor: Executor) -> None:
    with pytest.raises(ChildTimeout):
        executor.run(unit("hang"), Stop(time.monotonic() + 1.5))
    with pytest.raises(ChildTimeout, match="budget"):
        executor.run(unit("nothing"), Stop(time.monotonic() - 1))


def test_a_unit_can_be_stopped(executor: Executor) -> None:
    stop = Stop()
    threading.Timer(1.5, stop.set).start()
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        executor.run(unit("hang"), stop)
    assert time.monotonic() - begin < 30
    with pytest.raises(Cancelled):
        executor.run(unit("nothing"), stop)


def test_progress_is_heard_in_order(executor: Executor) -> None:
    heard: list[Progress] = []
    result = executor.run(unit("tell", number=3), Stop(), heard.append)
    said = [each for each in heard if each.figures]
    assert [each.message for each in said] == ["step 0", "step 1", "step 2"]
    assert said[1].figures == {"loss": 0.5}
    assert list(result.events) == heard


@pytest.mark.parametrize("act", ["malformed", "not_finite", "bad_progress", "many_figures", "beyond_all"])
def test_an_answer_of_another_form_is_refused(executor: Executor, act: str) -> None:
    with pytest.raises(UnsafeUpload, match="cannot be used"):
        run(executor, act)


def test_an_answer_that_its_kind_does_not_accept_is_refused(executor: Executor) -> None:
    with pytest.raises(UnsafeUpload, match="Nobody counts"):
        run(executor, "copy", number=5000)


def test_a_link_as_a_result_is_refused(executor: Executor, blobs: Blobs, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    with pytest.raises(UnsafeUpload, match="no file of its folder"):
        run(executor, "link", path=str(secret))
    assert not list(blobs.root.glob("??/*"))


@pytest.mark.parametrize("path", ["out", ""])
def test_folders_nested_without_end_are_removed(executor: Executor, tmp_path: Path, path: str) -> None:
    run(executor, "nest", number=3000, path=path)
    assert not list((tmp_path / "jobs").iterdir())


def test_a_unit_reads_its_inputs_and_nothing_else(executor: Executor, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    with pytest.raises(ChildCrashed, match="PermissionError"):
        run(executor, "escape", path=str(secret))
    assert run(executor, "escape", path=str(secret), reads=(secret,)).values.text == "secret"


def test_a_unit_runs_in_its_toolchain(executor: Executor, tmp_path: Path) -> None:
    place = Path(run(executor, "where").values.text)
    ours = Path(sys.prefix)
    assert (place == ours) is (probe().TOOLCHAIN == "")
    assert run(executor, "where").values.number == (2 if probe().TOOLCHAIN else 1)
