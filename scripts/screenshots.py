"""Take the pictures of the README from the running dashboard, in both themes, into docs/images/.

    python scripts/screenshots.py

Starts a server with a data folder of its own, runs the demo to its end, and photographs what is there.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1440, "height": 900}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def _healthy(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return answer.read() == b"ok"
    except (URLError, OSError):
        return False


@contextmanager
def _server(data: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "core", "serve", "--port", str(port)]
    environment = {**os.environ, "WHETSTONE_DATA_DIR": str(data)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        while not _healthy(f"http://127.0.0.1:{port}"):
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _settle(page: Page) -> None:
    page.wait_for_function("!document.querySelector('[data-testid=\"stSkeleton\"]')", timeout=60_000)
    page.wait_for_timeout(2500)


def _demo(browser: Browser, url: str) -> str:
    """Run the demo; photograph it half-way; return the address of the finished run."""
    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
    page.goto(url)
    page.click(".st-key-demo button", timeout=60_000)
    page.wait_for_selector(".st-key-cancel_run", timeout=300_000)
    page.wait_for_selector(".st-key-recommended_live", timeout=600_000)
    _settle(page)
    page.screenshot(path=IMAGES / "live-light.png")
    page.wait_for_selector(".st-key-compare", timeout=1_200_000)
    address = page.url
    page.close()
    return address


def _pictures(browser: Browser, url: str, run: str, theme: str) -> None:
    page = browser.new_page(viewport=SIZE, color_scheme=theme)  # type: ignore[arg-type]
    compare = run.replace("/optimize", "/compare")
    for name, address in (("start", url), ("compare", compare), ("machine", f"{url}/machine")):
        page.goto(address)
        page.wait_for_selector('[data-testid="stMain"] h2, [data-testid="stMain"] h1', timeout=60_000)
        _settle(page)
        page.screenshot(path=IMAGES / f"{name}-{theme}.png")
    page.goto(run)
    page.click(".st-key-what_live button", timeout=60_000)
    page.wait_for_selector(".st-key-back", timeout=60_000)
    _settle(page)
    page.screenshot(path=IMAGES / f"candidate-{theme}.png")
    page.close()


def main() -> None:
    """Take every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with (
        tempfile.TemporaryDirectory() as folder,
        _server(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        run = _demo(browser, url)
        for theme in ("light", "dark"):
            _pictures(browser, url, run, theme)
        browser.close()


if __name__ == "__main__":
    main()
