"""ONNX Runtime Web, in a confined Chromium; what needs neither is fast."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.bench.timing.commands import GOLDEN, MEMORY, Golden, Memory
from core.bench.timing.endpoint import Endpoint, Host
from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.registry import get_target
from core.runtimes.onnxruntime_web import LARGEST, PAGE, RUNTIME, TOOLCHAIN
from core.runtimes.onnxruntime_web_kit import Browser, BrowserError, Page
from core.sandbox.browsers import browser
from core.toolchains import environments
from core.toolchains.environments import folder_of, install
from core.toolchains.lists import get_toolchain
from tests.packagers.test_kit import perceptron, unpack
from tests.runtimes import networks

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab


def test_it_says_what_is_lacking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environments, "_root", lambda: tmp_path)
    monkeypatch.setattr("core.runtimes.onnxruntime_web.browser", lambda: Path("/usr/bin/true"))
    found = RUNTIME.available()
    assert not found.ok
    assert found.install == "whetstone doctor --install onnxruntime_web"
    monkeypatch.setattr("core.runtimes.onnxruntime_web.browser", lambda: None)
    assert "Chromium" in RUNTIME.available().reason


def test_a_kit_is_a_page_with_golden_samples(tmp_path: Path) -> None:
    """The runtime's own files come with it where they are installed."""
    import json
    from dataclasses import replace

    files = {path.name: path for path in PAGE.iterdir()}
    made = replace(perceptron(tmp_path / "in", "onnxruntime_web", "onnx"), files=files)
    kit = unpack(made, tmp_path / "out")
    names = {path.name for path in kit.iterdir()}
    assert {"index.html", "page.mjs", "model.mjs", "bridge.mjs", "golden.json", "session.py"} <= names
    assert (kit / "requirements.txt").read_text().startswith("numpy==")
    (sample,) = json.loads((kit / "golden.json").read_text())
    assert (sample["inputs"][0]["type"], sample["inputs"][0]["shape"]) == ("float32", [1, 6])
    assert set(files) <= set(json.loads((kit / "manifest.json").read_text())["sha256"])
    assert "python -m http.server" in (kit / "README.md").read_text()


def test_a_model_that_no_page_can_hold_is_refused(tmp_path: Path) -> None:
    from core.protocols import LocalArtifact

    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        os.truncate(file.fileno(), LARGEST + 1)
    with pytest.raises(RuntimeFailed, match="2 GB"):
        RUNTIME.open(LocalArtifact("onnx", path, (path,)), Target(RUNTIME.id), networks.perceptron()[1])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """ONNX Runtime Web, fetched by npm."""
    if browser() is None:
        pytest.skip("NO CHROMIUM FOUND: ONNX Runtime Web was not run. Install it: apt-get install chromium")
    root = tmp_path_factory.mktemp("toolchains")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environments, "_root", lambda: root)
        install(get_toolchain(TOOLCHAIN))
        yield folder_of(get_toolchain(TOOLCHAIN))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "ort"])
def test_a_confined_browser_runs_and_times_it(form: str, installed: Path, tmp_path: Path) -> None:
    module, model = networks.several()
    artifact = networks.save(module, model, form, tmp_path / "model")
    with Host(Endpoint(artifact, Target(RUNTIME.id, batch=2), model), tmp_path / "out", None, set()) as host:
        assert host.open().load_ms > 0
        block = host.block(5, 3.0)
        assert len(block.took_ms) == 5
        assert 0 < block.middle_ms < 1000
        assert host.ask(MEMORY, Memory()).bytes > 1e6
        golden = (tmp_path / "out" / "golden.npz").resolve()
        host.ask(GOLDEN, Golden(golden, 2, 10.0))
    with np.load(golden) as arrays:
        for sample in range(2):
            feed = {spec.name: arrays[f"input_{sample}_{at}"] for at, spec in enumerate(model.inputs)}
            for at, wanted in enumerate(networks.expected(module, feed)):
                np.testing.assert_allclose(arrays[f"output_{sample}_{at}"], wanted, rtol=1e-5, atol=1e-6)


@pytest.fixture
def pages(installed: Path) -> Iterator[Browser]:
    files = {path.name: path for path in PAGE.iterdir()}
    files |= {f"ort/{path.name}": path for path in (installed / "files").iterdir()}
    opened = Browser(str(browser()), files, ["--no-sandbox"])
    yield opened
    opened.close()


@pytest.mark.slow
def test_pages_get_the_files_of_their_folder_and_nothing_else(pages: Browser) -> None:
    page = Page(pages)
    for address in (
        "http://localhost/other",
        "http://127.0.0.1:1/",
        "https://example.com/",
        "file:///etc/passwd",
    ):
        told = page._do(
            "Runtime.evaluate",
            expression=f"fetch({address!r}).then((found) => found.status, () => 'refused')",
            awaitPromise=True,
            returnByValue=True,
        )
        assert told["result"]["value"] == "refused", address


@pytest.mark.slow
def test_a_broken_model_fails_in_its_own_words(pages: Browser, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07rubbish" * 20)
    with pytest.raises(BrowserError, match=r"(?i)failed|protobuf|load"):
        Page(pages).open([path], 1)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.slow
@pytest.mark.browser
def test_the_kits_page_and_its_lines_run_from_a_static_server(
    installed: Path, tmp_path: Path, page: Tab
) -> None:
    from dataclasses import replace

    made = replace(perceptron(tmp_path / "in", "onnxruntime_web", "onnx"), files=dict(RUNTIME.kit_files()))
    kit = unpack(made, tmp_path / "out")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(kit)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("body[data-verdict]")
        assert page.locator("body").get_attribute("data-verdict") == "same", page.locator("body").inner_text()
        assert "ms here" in page.locator("#time").inner_text()
        (lines,) = get_target("onnxruntime_web").clients
        (kit / "clients").mkdir(exist_ok=True)
        (kit / "clients" / lines.file).write_text(lines.text.replace("{model}", "model.onnx"))
        (kit / "try.html").write_text('<script type="module" src="clients/main.mjs"></script>')
        with page.expect_console_message() as told:
            page.goto(f"http://127.0.0.1:{server.server_port}/try.html")
        assert told.value.text == "logits: 1 4"
    finally:
        server.shutdown()


@pytest.mark.slow
def test_the_kit_verifies_itself(installed: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    made = replace(perceptron(tmp_path / "in", "onnxruntime_web", "onnx"), files=dict(RUNTIME.kit_files()))
    kit = unpack(made, tmp_path / "out")
    done = subprocess.run([sys.executable, "verify.py"], cwd=kit, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "whole and works" in done.stdout
