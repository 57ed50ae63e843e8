"""The server under real loads and real mishaps: big files, broken lines, kills, cold starts."""

from __future__ import annotations

import http.client
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test ran")
from playwright.sync_api import Browser, Page, Route, expect

from core.domain.run import RunStatus
from core.settings import Settings
from core.store.store import Store
from sample_models.catalogue import by_id
from tests.memory import watched
from tests.pages import seed
from tests.robustness.conftest import Server, family, serving, start

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

MOST = 250 * 1000**2
ALERT = "stAlert"


def big_model(path: Path) -> Path:
    """Write a real ONNX model of 700 MB."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).random((175_000, 1000), np.float32)
    sizes = [("x", ["N", 1000]), ("y", ["N", 175_000])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in sizes]
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)
    graph = helper.make_graph([node], "big", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _heavy(folder: Path) -> bool:
    for each in folder.rglob("*.onnx"):
        with suppress(FileNotFoundError):
            if each.stat().st_size > 1000**2:
                return True
    return False


def test_a_real_model_of_700_mb(tmp_path: Path, page: Page) -> None:
    with serving(tmp_path / "data") as server:
        page.goto(server.url)
        box = page.locator("input[type=file]")
        expect(box).to_be_attached()
        model = big_model(tmp_path / "big.onnx")
        with watched(psutil.Process(server.process.pid)) as seen:
            box.set_input_files(model)
            expect(page.get_by_role("heading", name="big ONNX")).to_be_visible(timeout=300_000)
        print(f"server at its peak: {max(seen) / 1e6:.0f} MB over {len(seen)} samples")
        assert max(seen) < MOST
        kept = [path for path in (server.folder / "blobs").rglob("*") if path.is_file()]
        assert model.stat().st_size in {path.stat().st_size for path in kept}
        end = time.monotonic() + 120  # The worker reads the upload ahead; what it starts ahead is empty.
        while _heavy(server.folder / "jobs"):
            assert time.monotonic() < end, "a copy of the upload was left behind"
            time.sleep(0.5)


class Line:
    """An upload by hand, with the ticket and the cookies that a page got."""

    def __init__(self, server: Server, page: Page) -> None:
        self.server, self.path, self.headers = server, "", {}
        page.route("**/upload/*", self._note)
        page.goto(server.url)
        with page.expect_request("**/upload/*"):
            page.locator("input[type=file]").set_input_files(by_id("cancer-mlp").files["onnx"])
        page.wait_for_timeout(300)
        cookies = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
        self.headers["cookie"] = cookies

    def _note(self, route: Route) -> None:
        self.path = urlsplit(route.request.url).path
        kept = ("x-xsrftoken", "x-file-name")
        self.headers = {k: v for k, v in route.request.headers.items() if k in kept}
        route.abort()

    def put(self, body: bytes = b"x", path: str = "", **headers: str) -> tuple[int, str]:
        """Send a body; return status and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request("PUT", path or self.path, body, {k: v for k, v in sent.items() if v})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def break_off(self, declared: int, sent: int, chunked: bool = False) -> None:
        """Begin an upload and hang up in the middle."""
        lines = [
            f"PUT {self.path} HTTP/1.1",
            "host: localhost",
            *(f"{k}: {v}" for k, v in self.headers.items()),
        ]
        lines.append("transfer-encoding: chunked" if chunked else f"content-length: {declared}")
        with socket.create_connection(("127.0.0.1", self.server.port)) as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode("latin1"))
            line.sendall((f"{declared:x}\r\n".encode() if chunked else b"") + bytes(sent))
            time.sleep(0.5)

    def left(self) -> list[Path]:
        """Return what lies in the folder of uploads."""
        folder = self.server.folder / "uploads"
        return list(folder.iterdir()) if folder.exists() else []


def test_what_is_refused_leaves_nothing_behind(tmp_path: Path, page: Page) -> None:
    with serving(tmp_path / "data", WHETSTONE_UPLOAD_LIMIT_BYTES="1000000") as server:
        line = Line(server, page)
        refusals = [
            (403, line.put(path="/upload/guessed")),
            (403, line.put(x_xsrftoken="")),
            (403, line.put(x_xsrftoken="2|00000000|00000000000000000000000000000000|1")),
            (403, line.put(cookie="")),
            (413, line.put(content_length="1000001")),
            (413, line.put(path=line.path, content_length="99999999999999")),
        ]
        assert [got[0] for _, got in refusals] == [wanted for wanted, _ in refusals]
        assert all('"message"' in text and '"hint"' in text for _, (_, text) in refusals)
        assert line.put(content_length="many")[0] in (400, 403)
        line.break_off(900_000, 500_000)
        line.break_off(900_000, 500_000, chunked=True)
        end = time.monotonic() + 10
        while line.left() and time.monotonic() < end:
            time.sleep(0.05)
        assert line.left() == []
        assert "Traceback" not in server.log
        status, text = line.put(by_id("cancer-mlp").files["onnx"].read_bytes())
        assert status == 200, text
        assert line.put()[0] == 403, "a ticket was good for two uploads"


def test_a_cold_start(tmp_path: Path, browser: Browser) -> None:
    best: list[tuple[float, float, float]] = []
    for number in range(3):
        tab = browser.new_page()
        with serving(tmp_path / str(number) / "data") as server:
            began = time.monotonic()
            tab.goto(server.url)
            expect(tab.locator(".st-key-demo button >> nth=0")).to_be_enabled()
            worked = psutil.Process(server.process.pid).cpu_times()
            best.append((server.ready_s, time.monotonic() - began, worked.user + worked.system))
        tab.context.close()
    print("seconds until healthy, until the page is usable, of processor time:", best)
    # The seconds until it is healthy depend on what else the machine does; what it works for that does not.
    assert min(usable for _, usable, _ in best) < 3
    assert min(work for *_, work in best) < 2.5


def test_the_server_never_maps_a_heavy_library(tmp_path: Path, page: Page) -> None:
    folder = tmp_path / "data"
    with Store(Settings(data_dir=folder)) as store:
        seed.run(store, "done", RunStatus.DONE)
        model = store.models.list()[0].id
    with serving(folder) as server:
        for address in (
            "", f"model?model={model}", f"optimize?model={model}", "optimize?run=done", "compare?run=done",
            "candidate?candidate=done-2", "runs", "machine",
        ):  # fmt: skip
            page.goto(f"{server.url}/{address}")
            expect(page.get_by_test_id("stMain")).not_to_be_empty()
            page.wait_for_timeout(1500)
            assert "Traceback" not in page.inner_text("body")
        page.goto(server.url)
        page.locator("input[type=file]").set_input_files(by_id("cancer-mlp").files["pt2"])
        expect(page.get_by_role("heading", name="model torch.export")).to_be_visible(timeout=120_000)
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert "libsqlite" in maps or "numpy" in maps
        assert not re.findall(r"\S*(?:libtorch|libc10|onnxruntime|openvino|/onnx/|sklearn|nncf)\S*", maps)


def _workers(folder: Path) -> list[psutil.Process]:
    found = []
    for each in family(folder):
        with suppress(psutil.NoSuchProcess):
            found += [each] if "worker" in each.cmdline() else []
    return found


def test_a_run_outlives_its_server(tmp_path: Path, page: Page) -> None:
    with serving(tmp_path / "data") as first:
        page.goto(first.url)
        page.locator(".st-key-demo button >> nth=0").click()
        expect(page.locator(".st-key-cancel_run button >> nth=0")).to_be_visible(timeout=120_000)
        address, run_id = page.url, page.url.partition("run=")[2]
        first.kill()
        workers = _workers(first.folder)
        while len(workers) > 1:  # A second one ends as soon as it finds the first at work.
            time.sleep(0.1)
            workers = _workers(first.folder)
        assert workers
        with Store(Settings(data_dir=first.folder)) as store:
            before = store.runs.get(run_id)
            assert before.status is RunStatus.RUNNING or before.status is RunStatus.QUEUED
            end = time.monotonic() + 60
            while store.runs.get(run_id).revision == before.revision:
                assert time.monotonic() < end, "the worker stopped when its server was killed"
                time.sleep(0.1)
        second = start(first.folder, first.port)
        try:
            page.goto(address)
            expect(page.locator(".st-key-compare button >> nth=0")).to_be_visible(timeout=400_000)
        finally:
            second.kill()
        assert [each.pid for each in workers if each.is_running()]
        with Store(Settings(data_dir=first.folder)) as store:
            assert store.runs.get(run_id).status is RunStatus.DONE


def test_a_broken_database_is_said_on_every_page(tmp_path: Path, page: Page) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "whetstone.db").write_bytes(b"\xf3\x01" * 4000)
    with serving(folder) as server:
        for address in (
            "",
            "model?model=x",
            "optimize?run=x",
            "compare?run=x",
            "candidate?candidate=x",
            "runs",
        ):
            page.goto(f"{server.url}/{address}")
            expect(page.get_by_test_id(ALERT).first).to_contain_text("file is not a database")
            assert "Traceback" not in page.inner_text("body")
        page.goto(f"{server.url}/machine")
        expect(page.get_by_test_id("stMain")).to_contain_text("OpenVINO")
        assert (folder / "whetstone.db").read_bytes() == b"\xf3\x01" * 4000


def test_a_data_folder_that_cannot_be_is_said_on_the_page(tmp_path: Path, page: Page) -> None:
    (tmp_path / "file").write_bytes(b"")
    with serving(tmp_path / "file" / "data", log=tmp_path / "server.log") as server:
        for address in ("", "runs"):
            page.goto(f"{server.url}/{address}")
            expect(page.get_by_test_id(ALERT).first).to_contain_text("Set WHETSTONE_DATA_DIR")
