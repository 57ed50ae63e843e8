from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.run import RunStatus
from core.registry import runtimes
from core.store.store import Store
from core.toolchains.environments import State
from core.toolchains.lists import Toolchain, toolchains
from core.views import ClusterView, machine
from core.work.nodes import Node
from pages.widgets.machine.instructions import meaning
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_the_machine_its_runtimes_and_settings_are_shown(open_page: Open) -> None:
    app, here = open_page("machine.py"), machine()
    said = words(app)
    assert here.environment.cpu in said
    for runtime in runtimes().values():
        assert runtime.name in said
    for name in here.environment.isa:
        assert f"`{name}`" in said
    assert here.confinement.reason in said
    assert list(app.dataframe[-1].value["Environment variable"]) == [name for name, _, _ in here.settings]


@pytest.mark.parametrize("missing", ["", "No cluster: Ray is away."])
def test_the_nodes_of_a_cluster_are_shown_or_what_is_missing(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    node = Node("10.0.0.7", "amd-epyc", ("avx2",), 8, 1, "measuring", True)
    cluster = ClusterView((), missing, "Start it.") if missing else ClusterView((node,))
    here = replace(machine(), cluster=cluster)
    monkeypatch.setattr("core.views.machine", lambda: here)
    app = open_page("machine.py")
    if missing:
        assert "Ray is away" in app.warning[0].value
        assert "Start it" in app.warning[0].value
    else:
        row = app.dataframe[0].value.iloc[0]
        assert (row["Node"], row["GPUs"], row["Now"]) == ("10.0.0.7", 1, "measuring")


def test_settings_are_readable_and_have_units(open_page: Open) -> None:
    values = open_page("machine.py").dataframe[-1].value.set_index("Environment variable")["Value"]
    assert values["WHETSTONE_CHILD_TIMEOUT_S"] == "600 s"
    assert values["WHETSTONE_RETENTION_DAYS"] == "0 (keeps everything)"
    assert values["WHETSTONE_UPLOAD_LIMIT_BYTES"] == "4,000,000,000 (4 GB)"
    assert values["WHETSTONE_TRUST_UPLOADS"] in ("yes", "no")


def test_a_toolchain_that_is_not_there_is_shown_with_the_line_that_makes_it(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine()
    monkeypatch.setattr(
        "core.views.machine",
        lambda: replace(here, toolchains=tuple((each, State.MISSING) for each, _ in here.toolchains)),
    )
    app = open_page("machine.py")
    for each, _ in here.toolchains:
        assert f"**{each.name}** :gray-badge[not installed]" in words(app)
        assert f"whetstone doctor --install {each.id}" in [code.value for code in app.code]


def test_an_installation_is_begun_watched_and_its_failure_is_said(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    here, (each,) = machine(), list(toolchains().values())[:1]
    missing = replace(here, toolchains=((each, State.MISSING),))
    monkeypatch.setattr("core.views.machine", lambda: missing)
    monkeypatch.setattr(Toolchain, "check_platform", lambda self: None)
    monkeypatch.setattr("pages.widgets.machine.toolchains.exposed", lambda: False)
    word = (
        "import sys; print('fetching 6 GB', flush=True); sys.stdin.readline(); print('no room'); sys.exit(1)"
    )
    held: list[subprocess.Popen[str]] = []
    start = subprocess.Popen

    def popen(_: list[str], **options: Any) -> subprocess.Popen[str]:
        held.append(start([sys.executable, "-c", word], **{**options, "stdin": subprocess.PIPE}, text=True))
        return held[0]

    app = open_page("machine.py")
    with monkeypatch.context() as patched:
        patched.setattr("core.toolchains.installing.subprocess.Popen", popen)
        app.button(key=f"install_{each.id}").click().run()
    app.run()
    assert f"install_{each.id}" not in [button.key for button in app.button]
    assert any("Installing" in status.label for status in app.status)
    held[0].communicate("\n")
    app.run()
    assert "no room" in app.error[0].value
    assert app.button(key=f"install_{each.id}")


def test_the_storage_is_shown_and_old_runs_are_deleted_after_a_question(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    seed.run(store, "running", RunStatus.RUNNING, done=2)
    assert open_page("machine.py").button(key="ask_old").disabled  # others can reach it
    monkeypatch.setattr("pages.widgets.machine.storage.exposed", lambda: False)
    app = open_page("machine.py")
    assert app.button(key="ask_old").disabled
    assert "Nothing is that old." in words(app)
    app.number_input(key="older_than").set_value(0).run()
    assert app.button(key="ask_old").label.startswith("Delete 1 run, free ")
    app.button(key="ask_old").click().run()
    app.button(key="confirm_old").click().run()
    assert [each.run.id for each in store.runs.list()] == ["running"]


def test_what_a_processor_does_well_follows_from_its_instructions() -> None:
    vnni = meaning(("avx2", "avx512f", "avx512_vnni"))
    assert vnni["INT8"] == (
        True,
        "dot products (VNNI): expect 3 to 4x over FP32 where computing is the limit",
    )
    assert vnni["BF16"][0] is False
    assert meaning(("amx_int8", "avx512_vnni"))["INT8"][1].startswith("matrix unit")
    assert "little time" in meaning(("avx2",))["INT8"][1]
