from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from core.errors import (
    Cancelled,
    ChildCrashed,
    ChildTimeout,
    InputError,
    OutOfMemory,
    SandboxUnavailable,
    UnsafeUpload,
    WhetstoneError,
)
from core.sandbox import channel, policy
from core.sandbox.confinement import Confinement
from core.sandbox.exit_status import death
from core.sandbox.limits import GIB, ResourceLimits
from core.sandbox.process import Child
from core.settings import get_settings
from tests.sandbox.conftest import CHILD_TIMEOUT, ENV, MODULE, Run, needs_confinement

pytestmark = needs_confinement
ROOT = Path(__file__).parents[2]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def test_answers_many_commands_and_keeps_numbers_that_json_lacks(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV) as child:
        assert child.call("echo", {"a": [1, "ü"]}, CHILD_TIMEOUT) == {"a": [1, "ü"]}
        numbers = child.call("numbers", {}, CHILD_TIMEOUT)
    assert math.isnan(numbers["nan"])
    assert numbers["inf"] == math.inf
    assert numbers["path"] == "a/b"


def test_environment_holds_no_secret_and_points_into_the_folder(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD_TOKEN", "hunter2")
    answer = run("environment")
    assert "hunter2" not in answer["env"].values()
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR"):
        assert Path(answer["env"][name]).parent == folder.resolve()
    assert not {"torch", "numpy", "msgspec"} & set(answer["modules"])
    assert list(folder.iterdir()) == [], "the scratch folder was left behind"


def test_library_noise_does_not_reach_the_answer(run: Run) -> None:
    assert run("noise") == {"honest": True}


def test_large_answer(run: Run) -> None:
    assert len(run("giant", bytes=3_000_000)["text"]) == 3_000_000


def test_large_request(run: Run) -> None:
    assert run("size", text="y" * 5_000_000) == {"size": 5_000_000}


def test_endless_answer_is_given_up_at_once(run: Run) -> None:
    started = time.process_time()
    with pytest.raises(ChildCrashed, match="too long"):
        run("giant", bytes=30_000_000)
    assert time.process_time() - started < 1


def test_a_deeply_nested_answer_is_no_answer(run: Run) -> None:
    with pytest.raises(ChildCrashed, match="cannot be read"):
        run("raw_answer", text="[" * 1_000_000)


def test_an_answer_that_drips_costs_the_parent_little_and_ends(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "LONGEST_REPLY_S", 1.0)
    started, busy = time.monotonic(), time.process_time()
    with pytest.raises(ChildTimeout):
        run("drip", start="x" * 3_000_000, timeout=60)
    assert time.monotonic() - started < 20
    assert time.process_time() - busy < 3


def test_what_an_error_says_is_one_plain_line(run: Run) -> None:
    with pytest.raises(UnsafeUpload) as caught:
        run("lie", message="first\nsecond\x1b[31m" + "x" * 1_000_000)
    assert caught.value.message.startswith("first second[31m")
    assert len(caught.value.message) <= 2000


def test_our_errors_keep_their_class_message_and_hint(run: Run) -> None:
    with pytest.raises(UnsafeUpload, match=r"The file bites\.") as caught:
        run("refuse")
    assert caught.value.hint == "Do not touch it."
    assert "in refuse" in caught.value.traceback


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("fail", "ValueError: three is not four"),
        ("quit_python", "SystemExit: 3"),
        ("unspeakable", "object cannot be sent"),
        ("no_such_command", "no_such_command"),
    ],
)
def test_other_errors_become_child_crashed(run: Run, command: str, message: str) -> None:
    with pytest.raises(ChildCrashed, match=message) as caught:
        run(command)
    assert "Traceback" in caught.value.traceback


def test_an_error_does_not_end_the_child(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV) as child:
        with pytest.raises(ChildCrashed):
            child.call("fail", {}, CHILD_TIMEOUT)
        assert child.call("echo", {"still": "here"}, CHILD_TIMEOUT) == {"still": "here"}


def test_missing_module(folder: Path) -> None:
    with (
        Child("core.nothing", writes=folder) as child,
        pytest.raises(ChildCrashed, match=r"No module named 'core\.nothing'"),
    ):
        child.call("echo", {}, CHILD_TIMEOUT)


def test_missing_file(folder: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.onnx"):
        Child(MODULE, reads=[folder / "gone.onnx"], writes=folder)


def test_the_parent_keeps_every_thread_to_its_cores(folder: Path) -> None:
    cores = {max(os.sched_getaffinity(0))}
    with Child(MODULE, writes=folder, env=ENV) as child:
        child.call("start_threads", {"count": 3}, CHILD_TIMEOUT)
        child.keep_to(cores)
        child.call("start_threads", {"count": 2}, CHILD_TIMEOUT)
        threads = [int(path.name) for path in Path(f"/proc/{child.pid}/task").iterdir()]
        assert len(threads) >= 6
        assert all(os.sched_getaffinity(thread) == cores for thread in threads)
        child.kill()
        child.keep_to(cores)


def test_a_flood_of_threads_is_stopped(run: Run) -> None:
    assert run("start_threads", count=20, options={"limits": ResourceLimits(threads=40)}) == {}
    with pytest.raises(ChildCrashed, match=r"more than 40 threads|start new thread"):
        run("start_threads", count=400, then_s=30, options={"limits": ResourceLimits(threads=40)})


def test_processor_time_and_memory_have_limits_of_the_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHETSTONE_CHILD_TIMEOUT_S", "7")
    monkeypatch.setenv("WHETSTONE_CHILD_MEMORY_BYTES", str(3 * GIB))
    get_settings.cache_clear()
    try:
        assert run("limits") == {"cpu": 70 * (os.cpu_count() or 1), "memory": 3 * GIB}
    finally:
        get_settings.cache_clear()


def test_segfault_names_its_signal(run: Run) -> None:
    with pytest.raises(ChildCrashed, match="SIGSEGV"):
        run("segfault")


def test_exit_tells_code_and_last_words(run: Run) -> None:
    with pytest.raises(ChildCrashed, match=r"exit code 7 after: last words"):
        run("leave", code=7)


def test_the_end_is_noticed_without_a_pidfd(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert run("echo", a=1) == {"a": 1}
    with pytest.raises(ChildCrashed, match="SIGSEGV"):
        run("segfault")


def test_calls_after_the_end_say_so_again(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV) as child:
        for _ in range(2):
            with pytest.raises(ChildCrashed, match="exit code 7"):
                child.call("leave", {"code": 7}, CHILD_TIMEOUT)


@pytest.mark.parametrize("command", ["hog", "torch_hog"])
def test_forty_gigabytes_are_out_of_memory(run: Run, command: str) -> None:
    with pytest.raises(OutOfMemory) as caught:
        run(command, bytes=40 * GIB)
    assert "WHETSTONE_CHILD_MEMORY_BYTES" in caught.value.hint


def test_memory_limit_is_ours_to_set(run: Run) -> None:
    limits = ResourceLimits(memory_bytes=GIB // 2)
    assert run("hog", bytes=GIB // 4, options={"limits": limits}) == {"size": GIB // 4}
    with pytest.raises(OutOfMemory):
        run("hog", bytes=GIB, options={"limits": limits})


def test_who_kills_a_child_from_outside_is_not_taken_for_a_lack_of_memory(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV) as child:
        child.call("echo", {}, CHILD_TIMEOUT)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ChildCrashed, match="SIGKILL: somebody else sent it") as caught:
            child.call("echo", {}, CHILD_TIMEOUT)
    assert not isinstance(caught.value, OutOfMemory)


@pytest.mark.parametrize(
    ("code", "oom", "kind", "said"),
    [
        (-signal.SIGKILL, 1, OutOfMemory, "took more memory than there is, and the system stopped it"),
        (-signal.SIGKILL, None, OutOfMemory, "most likely by the system for want of memory"),
        (-signal.SIGTERM, 1, ChildCrashed, "ended by SIGTERM: somebody else sent it"),
        (-signal.SIGSEGV, 1, ChildCrashed, "was ended by SIGSEGV"),
    ],
)
def test_the_kernels_oom_killer_is_out_of_memory(
    code: int, oom: int | None, kind: type[WhetstoneError], said: str
) -> None:
    assert said in (error := death("build", code, "", oom)).message
    assert type(error) is kind


def test_a_hang_is_stopped_in_time_and_the_parent_does_not_spin(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV) as child:
        started, busy = time.monotonic(), time.process_time()
        with pytest.raises(ChildTimeout, match="'hang' did not finish within 1 seconds"):
            child.call("hang", {}, 1.0)
        assert time.monotonic() - started < 3
        assert time.process_time() - busy < 0.3
        assert not is_running(child.pid)
        with pytest.raises(ChildCrashed, match="was stopped before"):
            child.call("echo", {}, 1.0)


def test_processor_time_is_limited(run: Run) -> None:
    with pytest.raises(ChildTimeout, match="processor time"):
        run("spin", options={"limits": ResourceLimits(cpu_seconds=1)})


def test_another_thread_can_stop_a_call(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV) as child:
        threading.Timer(0.3, child.kill).start()
        with pytest.raises(Cancelled, match="'hang' was stopped"):
            child.call("hang", {}, CHILD_TIMEOUT)


def test_a_child_outlives_the_thread_that_started_it(folder: Path) -> None:
    children: list[Child] = []
    thread = threading.Thread(target=lambda: children.append(Child(MODULE, writes=folder, env=ENV)))
    thread.start()
    thread.join()
    with children[0] as child:
        time.sleep(0.2)
        assert child.call("echo", {}, CHILD_TIMEOUT) == {}


def test_nothing_is_left_behind(run: Run, folder: Path) -> None:
    run("echo")
    before = open_files()
    for command in ("echo", "fail", "segfault"):
        with Child(MODULE, writes=folder, env=ENV) as child:
            try:
                child.call(command, {}, CHILD_TIMEOUT)
            except ChildCrashed:
                assert command != "echo"
        with pytest.raises(ChildProcessError):  # reaped: there is no zombie to wait for
            os.waitpid(child.pid, os.WNOHANG)
        child.close()
    assert open_files() == before


def test_grandchildren_end_with_their_parent(folder: Path) -> None:
    with Child(MODULE, writes=folder, env=ENV, confined=False) as child:
        grandchild = child.call("fork", {}, CHILD_TIMEOUT)["pid"]
        assert is_running(grandchild)
    wait_until_gone(grandchild)


def test_kill_9_of_the_parent_ends_the_child(folder: Path) -> None:
    program = f"""
        import time
        from pathlib import Path
        from core.sandbox.process import Child
        child = Child({MODULE!r}, writes=Path({str(folder)!r}), env={ENV!r})
        child.call("echo", {{}}, 60)
        print(child.pid, flush=True)
        child.call("hang", {{}}, 600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    wait_until_gone(pid)


def test_without_confinement_uploads_must_be_trusted_first(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Confinement(False, 0, True, "This system does not offer Landlock.")
    monkeypatch.setattr(policy, "confinement", lambda: missing)
    with pytest.raises(SandboxUnavailable, match="Landlock") as caught:
        Child(MODULE, writes=folder, env=ENV)
    assert "WHETSTONE_TRUST_UPLOADS=1" in caught.value.hint
    monkeypatch.setenv("WHETSTONE_TRUST_UPLOADS", "1")
    get_settings.cache_clear()
    try:
        assert run("echo") == {}
    finally:
        get_settings.cache_clear()
