"""No page has what axe-core calls a serious or critical obstacle for people who use other means than ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test ran")
from playwright.sync_api import Browser

from core.domain.run import RunStatus
from core.settings import Settings
from core.store.store import Store
from tests.e2e.accessibility import obstacles
from tests.e2e.conftest import Server, serving, settled
from tests.pages import seed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

CANDIDATE = "candidate?run=done&candidate=done-2&tab="
PAGES = (
    "", "runs", "machine", "learn", "learn?topic=technique.int8_static_ort",
    *(f"model?model=seed-model&data=seed-data&tab={tab}" for tab in ("data", "techniques", "signature")),
    "optimize?model=seed-model&data=seed-data", "optimize?model=seed-model&preset=by_hand",
    "optimize?run=running", "optimize?run=done", "optimize?run=failed",
    *(f"compare?run=done&selected=done-3&part={part}" for part in ("figures", "lines", "pair", "run")),
    "compare?run=unlabelled", "export?model=seed-model&data=seed-data", "deploy?run=done",
    "watch", "watch?service=http://127.0.0.1:1",
    *(CANDIDATE + tab for tab in ("overview", "latency", "layers", "accuracy", "recipe")),
)  # fmt: skip


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve runs in every state."""
    folder = tmp_path_factory.mktemp("axe")
    with Store(Settings(data_dir=folder / "data")) as store:
        for state in (each for each in RunStatus if each is not RunStatus.QUEUED):
            seed.run(store, state.value, state, done=3 if state is RunStatus.RUNNING else len(seed.SPECS))
        seed.run(store, "unlabelled", RunStatus.DONE, labelled=False)
    yield from serving(folder)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_serious_obstacles(seeded: Server, browser: Browser, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 1000})  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    try:
        for address in PAGES:
            page = context.new_page()
            page.goto(f"{seeded.url}/{address}")
            settled(page)
            if told := obstacles(page):
                found[address] = told
            page.close()
    finally:
        context.close()
    assert not found
