from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.routes import hosts
from tests.pages.conftest import Open, words
from tests.watched import write_log


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the dashboard answer on this computer alone."""
    monkeypatch.setattr(hosts, "_served", lambda: "")


def watch(open_page: Open, service: str) -> AppTest:
    """Open the page by a link and press the button."""
    return open_page("watch.py", service=service).button(key="watch").click().run()


def test_without_an_address_the_page_says_what_to_do(open_page: Open) -> None:
    assert "Nothing is watched" in words(open_page("watch.py"))


def test_a_link_asks_no_service_before_a_click(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr("core.engine.watch", lambda _store, target, *_, **__: called.append(target))
    app = open_page("watch.py", service="http://127.0.0.1:1")
    assert app.text_input[0].value == "http://127.0.0.1:1"
    assert "Press Watch" in words(app)
    assert not called


@pytest.mark.usefixtures("own")
def test_a_log_is_shown_with_its_drift_and_strange_names(open_page: Open, tmp_path: Path) -> None:
    write_log(tmp_path / "made", name="![x](http://evil/a.png)")
    app = watch(open_page, str(tmp_path / "made"))
    said = words(app)
    assert r"!\[x\]" in said
    assert "**Drift** in x: brightness" in said
    assert "x: brightness" in said
    assert any("Drift v1" in each.value for each in app.error)
    assert {each.label: each.value for each in app.metric}["p50"] == "2.00 ms"
    assert list(app.dataframe[0].value["Drift"]) == ["yes", "no"]


@pytest.mark.usefixtures("own")
def test_two_versions_stand_side_by_side(open_page: Open, tmp_path: Path) -> None:
    write_log(tmp_path / "made", drifted=False, arms=2)
    app = watch(open_page, str(tmp_path / "made"))
    assert list(app.dataframe[0].value["Version"]) == ["v1", "v2"]
    assert list(app.dataframe[0].value["p50"]) == ["2.00 ms", "4.00 ms"]
    assert not app.error
    assert f"watch {tmp_path}/made" in app.code[0].value


@pytest.mark.usefixtures("own")
def test_what_is_not_there_is_an_error_in_words(open_page: Open) -> None:
    app = watch(open_page, "http://127.0.0.1:1")
    assert "No service answers" in app.error[0].value


def test_a_dashboard_for_others_opens_no_files_and_asks_no_address(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path / "made")
    monkeypatch.setattr(hosts, "_served", lambda: "0.0.0.0")
    for target in (str(tmp_path / "made"), "http://127.0.0.1:1"):
        app = watch(open_page, target)
        assert "only services that are named" in app.error[0].value
