"""ONNX Runtime Web: its WebAssembly build, in a browser without a window."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.protocols import Array, Availability, Feed, Idea, LocalArtifact, Runtime
from core.runtimes.availability import arrange, check, runtime_errors
from core.runtimes.onnxruntime_web_kit import Browser, Page
from core.sandbox.browsers import browser
from core.toolchains.environments import State, folder_of, state_of
from core.toolchains.lists import get_toolchain
from core.toolchains.npm import FILES

TOOLCHAIN = "onnxruntime_web"
PLACE = "ONNXRUNTIME_WEB"
PAGE = Path(__file__).with_name("onnxruntime_web_page")
LARGEST = 2_000_000_000
"""Bytes of a model: a browser holds no larger piece of memory, and the build addresses 4 GB in all."""
NO_BROWSER = "apt-get install chromium"


class WebCall:
    """A call on a page: what it takes to reach the page is no part of its time."""

    def __init__(self, session: WebSession, feed: Feed) -> None:
        self._session, self._feed = session, feed
        self()

    def __call__(self) -> None:
        """Call once."""
        self.times(1, 0.0)

    def times(self, calls: int, settle_ms: float) -> list[float]:
        """Return the milliseconds of each call by the page's clock, after others for `settle_ms`."""
        return self._session.times(self._feed, calls, settle_ms)


class WebSession:
    """A page that holds a model."""

    def __init__(self, page: Page, told: Mapping[str, Any]) -> None:
        self._page, self._given = page, Feed()
        self._wanted = [(str(name), np.dtype(str(kind))) for name, kind in told["inputs"]]

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: ONNX Runtime refuses the feed, or the browser ended.
        """
        with runtime_errors(OnnxRuntimeWeb.name, "run"):
            self._give(arrange(feed, self._wanted))
            return list(self._page.run())

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: ONNX Runtime refuses the feed.
        """
        with runtime_errors(OnnxRuntimeWeb.name, "run"):
            return WebCall(self, arrange(feed, self._wanted))

    def times(self, feed: Feed, calls: int, settle_ms: float) -> list[float]:
        """Return the milliseconds of calls on `feed`, see `WebCall.times`."""
        with runtime_errors(OnnxRuntimeWeb.name, "run"):
            self._give(feed)
            return self._page.times(calls, settle_ms)

    def close(self) -> None:
        """Close the page."""
        self._page.close()

    def _give(self, feed: Feed) -> None:
        """Pass `feed` on to the page, unless that is what it has."""
        if feed is not self._given:
            self._page.feed(feed)
            self._given = feed


class OnnxRuntimeWeb(Runtime):
    """ONNX Runtime Web, WebAssembly."""

    id: ClassVar[str] = "onnxruntime_web"
    name: ClassVar[str] = "ONNX Runtime Web"
    learn: ClassVar[Learn | None] = Learn(
        does="ONNX Runtime, compiled to WebAssembly, runs the model inside a web page.",
        costs="Slower than ONNX Runtime on the same processor: narrow vector instructions, and one thread "
        "unless the page is cross-origin isolated. The page loads 14 MB of runtime besides the model.",
        choose="When the model is to run in the visitor's browser, so that data stays there and no server "
        "computes. It is measured in Chromium on this machine.",
        expect="2 to 6 times the time of ONNX Runtime on the same machine",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"onnx", "ort"})
    no_profile: ClassVar[str] = "In a page, ONNX Runtime tells no times of its layers."
    asked_for: ClassVar[bool] = True
    browser: ClassVar[bool] = True
    kit_use: ClassVar[str] = (
        "Or in a browser of your own: `python -m http.server` in this folder, then open "
        "http://localhost:8000. `index.html`, `page.mjs` and `model.mjs` are what a page needs; `ort` holds "
        "ONNX Runtime Web."
    )

    def available(self) -> Availability:
        """Say whether there are a browser, ONNX Runtime Web, and a way to confine the one."""
        toolchain = get_toolchain(TOOLCHAIN)
        version = toolchain.requirements[0].rpartition("=")[2]
        if browser() is None:
            return Availability(False, reason="There is no Chromium or Google Chrome.", install=NO_BROWSER)
        state = state_of(toolchain)
        if state is not State.READY:
            line = f"whetstone doctor --install {TOOLCHAIN}"
            return Availability(False, reason=f"{toolchain.name} is {state}.", install=line)
        return Availability(True, version=version)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield the bare export, and the most accurate quantization."""
        yield Idea(1, 60, self.id)
        yield Idea(1, 120, self.id, quantized=True)

    def places(self) -> Mapping[str, Path]:
        """Return where ONNX Runtime Web lies."""
        return {PLACE: folder_of(get_toolchain(TOOLCHAIN))}

    def kit_files(self) -> Mapping[str, Path]:
        """Return the page, and ONNX Runtime Web."""
        return _files(self.places()[PLACE])

    def warm_up(self) -> None:
        """Start the browser, with a page that holds ONNX Runtime Web and no model yet."""
        if not _running:
            with runtime_errors(self.name, "start a browser for"):
                _empty.append(Page(_browser()))

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> WebSession:
        """Load an ONNX file, or one in ONNX Runtime's own format, into a page of its own.

        Raises:
            RuntimeFailed: Wrong format or option, too large, or ONNX Runtime refuses the file.
        """
        check(self.name, artifact, self.formats, self.options)
        files = [path for path in artifact.files if path.suffix != ".config"]
        if sum(path.stat().st_size for path in files) > LARGEST:
            raise RuntimeFailed(
                "The model is over 2 GB, and a page holds no larger piece of memory.",
                hint="Quantize it first: INT8 weights are a quarter as large, INT4 an eighth.",
            )
        with runtime_errors(self.name, "open"):
            self.warm_up()
            page = _empty.pop() if _empty else Page(_browser())
            return WebSession(page, page.open(files, target.threads))


_running: list[Browser] = []
_empty: list[Page] = []


def _browser() -> Browser:
    """Return the browser of this process, started on the first call."""
    if not _running:
        path = browser()
        if path is None:
            raise RuntimeFailed("There is no Chromium or Google Chrome.", hint=NO_BROWSER)
        # The process is confined, and the browser with it; Chromium's own sandbox cannot start within.
        _running.append(Browser(str(path), _files(Path(os.environ[PLACE])), ["--no-sandbox"]))
    return _running[0]


def _files(runtime: Path) -> dict[str, Path]:
    """Return what a page needs, by name.

    Args:
        runtime: Folder of ONNX Runtime Web.
    """
    pages = {path.name: path for path in sorted(PAGE.iterdir())}
    return pages | {f"ort/{path.name}": path for path in sorted((runtime / FILES).iterdir())}


RUNTIME = OnnxRuntimeWeb()
