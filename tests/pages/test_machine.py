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


def test_settings_are_readable_and_have_units(open_page: Open) -> None:
    values = open_page("machine.py").dataframe[0].value.set_index("Environment variable")["Value"]
    assert values["WHETSTONE_CHILD_TIMEOUT_S"] == "600 s"
    assert values["WHETSTONE_RETENTION_DAYS"] == "0 (keeps everything)"
    assert values["WHETSTONE_UPLOAD_LIMIT_BYTES"] == "4,000,000,000 (4 GB)"
    assert values["WHETSTONE_TRUST_UPLOADS"] in ("yes", "no")
