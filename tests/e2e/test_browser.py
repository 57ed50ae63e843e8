"""What a person does, in a real browser against a real server and a real worker."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test ran")
from playwright.sync_api import Browser, Page, expect

from core.domain.events import EventKind
from core.settings import Settings
from core.store.store import Store
from core.views import run_view
from sample_models.catalogue import by_id
from tests.e2e.accessibility import obstacles
from tests.e2e.conftest import Server, settled

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

SAMPLE = by_id("cancer-mlp")
BUDGET_S = 50


def key(page: Page, name: str) -> str:
    return f".st-key-{name} button >> nth=0"


def run_in(address: str) -> str:
    return address.rpartition("run=")[2]


def wait_for_end(page: Page, seconds: float = 400) -> None:
    expect(page.locator(key(page, "compare"))).to_be_visible(timeout=seconds * 1000)


@pytest.fixture(scope="module")
def finished(server: Server, browser: Browser) -> str:
    """Upload a sample, add data, run the quick preset, watch it; return the address of the run."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(server.url)
    page.locator("input[type=file]").set_input_files(SAMPLE.files["pt2"])
    expect(page.get_by_role("heading", name="model torch.export")).to_be_visible(timeout=120_000)

    page.get_by_text("Built-in set", exact=True).click()
    page.get_by_role("combobox", name="Built-in set").click()
    page.get_by_role("option", name=re.compile("Breast cancer")).click()
    page.locator(key(page, "use_set")).click()
    expect(page.get_by_text("Fits the model")).to_be_visible(timeout=120_000)
    page.locator(key(page, "next")).click()
    expect(page.get_by_text(re.compile(r"candidates beside your model, about"))).to_be_visible()
    # An answer within the budget is all that the tests need.
    page.goto(f"{page.url}&budget={BUDGET_S}")

    expect(page.get_by_text(re.compile(r"candidates beside your model, about"))).to_be_visible()
    page.locator(key(page, "run")).click()
    expect(page.locator(key(page, "cancel_run"))).to_be_visible()
    expect(page.get_by_test_id("stProgress")).to_contain_text("candidates")
    address = page.url
    assert set(parse_qs(urlsplit(address).query)) == {"run"}, "settings of the page before came along"
    expect(page.locator("[class*=st-key-live_chart] svg.marks")).to_be_visible(timeout=300_000)
    seen = time.time()
    with Store(Settings(data_dir=server.folder)) as store:
        events = store.events.since(run_in(address))
    assert seen - next(event.at for event in events if event.kind is EventKind.MEASURED) < 30, "drawn late"
    wait_for_end(page)
    page.context.close()
    return address


def test_a_cold_page_is_usable_at_once(server: Server, page: Page) -> None:
    page.goto(server.url)
    expect(page.locator(key(page, "demo"))).to_be_enabled()
    page.context.clear_cookies()
    page.reload()
    # About one second on a calm machine; a page that imports torch takes several.
    expect(page.locator(key(page, "demo"))).to_be_enabled(timeout=15_000)


def test_nothing_is_fetched_from_outside(server: Server, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("", "runs", "machine", "model", "optimize", "compare", "candidate"):
        page.goto(f"{server.url}/{name}")
        settled(page)
    outside = [url for url in asked if not url.startswith((server.url, "data:", "blob:"))]
    assert not outside


def test_a_picture_in_a_message_is_not_fetched(server: Server, page: Page) -> None:
    page.goto(server.url)
    expect(page.locator(key(page, "demo"))).to_be_visible()
    refused = page.evaluate(
        "new Promise(done => document.addEventListener('securitypolicyviolation', e => done(e.blockedURI)) "
        "|| document.body.append(Object.assign(new Image(), {src: 'http://example.com/b.png'})))"
    )
    assert refused.startswith("http://example.com/")


def test_a_file_that_is_no_model_is_refused_in_words(server: Server, page: Page, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pt2"
    junk.write_bytes(bytes(range(256)) * 64)
    page.goto(server.url)
    page.locator("input[type=file]").set_input_files(junk)
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_be_visible(timeout=60_000)
    assert "Traceback" not in page.inner_text("body")
    assert len(alert.inner_text()) > 20

    page.locator("input[type=file]").set_input_files(SAMPLE.files["onnx"])
    expect(page.get_by_role("heading", name="model ONNX")).to_be_visible(timeout=120_000)


def test_an_empty_file_is_refused_before_it_is_sent(server: Server, page: Page, tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    page.goto(server.url)
    page.locator("input[type=file]").set_input_files(tmp_path / "empty.onnx")
    expect(page.get_by_role("alert").filter(has_text="empty.onnx is empty, or a folder.")).to_be_visible()


def test_a_run_is_reopened_by_its_address(finished: str, page: Page) -> None:
    page.goto(finished)
    wait_for_end(page, 30)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    expect(page.locator("[class*=st-key-live_latency] svg.marks")).to_be_visible()


def click_a_point(page: Page) -> None:
    """Move to a point as a hand does, and click: the chart looks where the mouse has been."""
    ring = page.locator("[class*=st-key-compare_chart_] .points_marks path").last
    expect(ring).to_be_visible()
    page.wait_for_timeout(1500)
    box = ring.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y)
    page.mouse.move(x, y, steps=5)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)
    page.wait_for_timeout(1500)


def test_a_click_on_a_point_selects_it_and_the_address_keeps_it(finished: str, page: Page) -> None:
    page.goto(finished.replace("/optimize", "/compare"))
    for _ in range(5):
        click_a_point(page)
        if "selected=" in page.url:
            break
    expect(page.locator(key(page, "about_selected"))).to_be_visible()
    page.reload()
    expect(page.locator(key(page, "about_selected"))).to_be_visible()
    page.locator(key(page, "about_selected")).click()
    page.wait_for_url(re.compile("candidate="))
    page.get_by_role("tab", name="Recipe and files").click()
    expect(page.get_by_role("heading", name="Recipe")).to_be_visible()
    assert "tab=recipe" in page.url


def test_the_kit_is_downloaded_and_verifies_itself(
    finished: str, server: Server, page: Page, tmp_path: Path
) -> None:
    with Store(Settings(data_dir=server.folder)) as store:
        rows = run_view(store, run_in(finished)).candidates[1:]
    # The first may be recommended or not: that depends on how busy the machine is.
    built = next(row.id for row in rows if row.status == "done")
    page.goto(f"{server.url}/candidate?run={run_in(finished)}&candidate={built}")
    with page.expect_download(timeout=90_000) as waiting:
        page.get_by_role("button", name="Download kit").click()
    kit = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(kit)
    assert re.fullmatch(r"[a-z0-9.\-]+\.zip", kit.name)
    assert kit.name.startswith("model-")
    with zipfile.ZipFile(kit) as archive:
        archive.extractall(tmp_path / "kit")
    script = next((tmp_path / "kit").rglob("verify.py"))
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_can_be_cancelled(finished: str, server: Server, page: Page) -> None:
    page.goto(finished)
    wait_for_end(page, 30)
    page.locator(key(page, "again")).click()
    page.locator(key(page, "run")).click()
    page.locator(key(page, "cancel_run")).click()
    expect(page.get_by_text("You cancelled this run.")).to_be_visible(timeout=60_000)
    expect(page.locator(key(page, "resume_run"))).to_be_visible()


def tick_first_run(page: Page) -> None:
    """Tick the box of the first row: the table is one canvas."""
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 60)
    expect(page.get_by_text("1 run ticked")).to_be_visible()


def test_the_history_describes_and_deletes(finished: str, server: Server, page: Page) -> None:
    page.goto(f"{server.url}/runs")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    settled(page)
    counted = page.get_by_text(re.compile(r"^\d+ of \d+ runs?, newest first")).inner_text()
    tick_first_run(page)
    page.locator(key(page, "describe")).click()
    page.get_by_role("dialog").get_by_label("Name").fill("to be deleted")
    page.get_by_role("dialog").get_by_label("Name").press("Tab")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator(key(page, "delete")).click()
    expect(page.get_by_role("dialog")).to_contain_text("to be deleted")
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text(counted)).to_have_count(0)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1920)])
def test_pages_fit_the_window_in_both_themes(
    finished: str, server: Server, browser: Browser, theme: str, width: int
) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 1000})  # type: ignore[arg-type]
    page = context.new_page()
    try:
        for address in (
            server.url,
            finished,
            finished.replace("/optimize", "/compare"),
            f"{server.url}/machine",
        ):
            page.goto(address)
            settled(page)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            assert not obstacles(page)
            assert page.get_by_test_id("stException").count() == 0
    finally:
        context.close()
