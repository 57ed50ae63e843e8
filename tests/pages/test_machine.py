from __future__ import annotations

from core.registry import runtimes
from core.views import machine
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
