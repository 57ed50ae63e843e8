"""A file of any size costs the server no memory, in or out."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test ran")
from playwright.sync_api import Page, expect

from core.domain.run import RunStatus
from core.engine.kits import kit_file
from core.settings import Settings
from core.store.store import Store
from tests.e2e.conftest import Server
from tests.memory import watched
from tests.pages import seed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

BYTES = 700 * 1000**2
MOST = 250 * 1000**2


def big_file(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(BYTES)
    return path


def test_a_700_mb_upload(server: Server, page: Page, tmp_path: Path) -> None:
    page.goto(server.url)
    with watched(server.process) as seen:
        page.locator("input[type=file]").set_input_files(big_file(tmp_path / "big.onnx"))
        expect(page.get_by_test_id("stAlert")).to_be_visible(timeout=300_000)
    assert any(path.stat().st_size == BYTES for path in (server.folder / "uploads").rglob("big.onnx"))
    print(f"server at its peak: {max(seen) / 1e6:.0f} MB")
    assert max(seen) < MOST


def test_a_700_mb_download(server: Server) -> None:
    with Store(Settings(data_dir=server.folder)) as store:
        seed.run(store, "big", RunStatus.DONE)
        kit = kit_file(store, "big-2")
    kit.parent.mkdir(exist_ok=True)
    big_file(kit)
    total = 0
    with watched(server.process) as seen, urlopen(f"{server.url}/download/big-2/kit") as answer:
        while chunk := answer.read(1 << 20):
            total += len(chunk)
    assert total == BYTES
    print(f"server at its peak: {max(seen) / 1e6:.0f} MB")
    assert max(seen) < MOST
