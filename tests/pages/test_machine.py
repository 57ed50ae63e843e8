from __future__ import annotations

from dataclasses import replace

import pytest

from core.registry import runtimes
from core.toolchains.environments import State
from core.views import ClusterView, machine
from core.work.nodes import Node
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
    assert list(app.dataframe[0].value["Environment variable"]) == [name for name, _, _ in here.settings]


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
    values = open_page("machine.py").dataframe[0].value.set_index("Environment variable")["Value"]
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
