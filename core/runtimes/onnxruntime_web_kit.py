"""Run the model on ONNX Runtime Web in a browser without a window, as a page runs it.

Needs Chromium or Google Chrome. The browser gets the files of this folder alone, over a pipe: nothing listens
on a port, and no request leaves it. Source: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ORIGIN = "http://localhost/"
ARGUMENTS = (
    *("--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions"),
    *("--disable-sync", "--disable-background-networking", "--disable-component-update", "--mute-audio"),
    *(
        "--disable-breakpad",
        "--disable-crash-reporter",
        "--disable-dev-shm-usage",
        "--disable-renderer-backgrounding",
    ),
)
TYPES = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm"}
# What a page needs to see time in steps of 5 microseconds, and to use threads.
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
LOADED = "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))"
PIECE = 12 * 1024 * 1024
"""Bytes that one message carries."""
FIRST_FREE = 10


class BrowserError(RuntimeError):
    """The browser ended, or what it ran there failed."""


def browser_path() -> str | None:
    """Return the browser of this machine; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser without a window that serves `files` to its pages, by name, and nothing else.

    Args:
        path: The program.
        files: What pages may ask for.
        arguments: Added to those that it is started with.
    """

    def __init__(self, path: str, files: Mapping[str, Path], arguments: Sequence[str] = ()) -> None:
        self._files, self._lock, self._last = files, threading.Lock(), 0
        self._profile = tempfile.mkdtemp(prefix="browser-")
        theirs, ours = (_above(end) for end in os.pipe())
        mine, yours = (_above(end) for end in os.pipe())
        self._to, self._from, self._rest = ours, mine, b""
        words = [path, *ARGUMENTS, f"--user-data-dir={self._profile}", *arguments, "about:blank"]
        nothing = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_WRONLY, 0) for each in (1, 2)]
        moved = [(os.POSIX_SPAWN_DUP2, theirs, 3), (os.POSIX_SPAWN_DUP2, yours, 4)]
        # The browser makes a socket there, whose path may have no more than 108 letters.
        places = {"TMPDIR": os.path.relpath(tempfile.gettempdir())}
        self.pid = os.posix_spawn(path, words, os.environ | places, file_actions=[*nothing, *moved])
        os.close(theirs)
        os.close(yours)

    def call(self, method: str, params: Mapping[str, Any], session: str = "") -> Any:
        """Return the answer to a command of the browser's protocol.

        Raises:
            BrowserError: It refuses the command, or has ended.
        """
        with self._lock:
            number = self._send(method, params, session)
            while True:
                told = self._read()
                if told.get("id") == number:
                    break
                if told.get("method") == "Fetch.requestPaused":
                    self._serve(told["params"], told["sessionId"])
        if "error" in told:
            raise BrowserError(told["error"]["message"])
        return told["result"]

    def close(self) -> None:
        """End it and remove its profile."""
        os.close(self._to)
        os.close(self._from)
        os.waitpid(self.pid, 0)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _send(self, method: str, params: Mapping[str, Any], session: str) -> int:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        left = memoryview(json.dumps(message).encode() + b"\0")
        while left:
            left = left[os.write(self._to, left) :]
        return self._last

    def _read(self) -> dict[str, Any]:
        parts, end = [self._rest], self._rest.find(b"\0")
        while end < 0:
            part = os.read(self._from, 1 << 20)
            if not part:
                raise BrowserError("The browser has ended.")
            parts.append(part)
            end = part.find(b"\0")
        last = parts.pop()
        self._rest = last[end + 1 :]
        found: dict[str, Any] = json.loads(b"".join((*parts, last[:end])))
        return found

    def _serve(self, asked: Mapping[str, Any], session: str) -> None:
        """Answer a request of a page with a file, or refuse it."""
        address, request = asked["request"]["url"], {"requestId": asked["requestId"]}
        file = self._files.get(address.removeprefix(ORIGIN)) if address.startswith(ORIGIN) else None
        if file is None:
            self._send("Fetch.failRequest", request | {"errorReason": "AccessDenied"}, session)
            return
        kind = {"Content-Type": TYPES.get(file.suffix, "application/octet-stream")}
        headers = [{"name": name, "value": value} for name, value in (kind | ISOLATED).items()]
        body = base64.b64encode(file.read_bytes()).decode()
        answer = {"responseCode": 200, "responseHeaders": headers, "body": body}
        self._send("Fetch.fulfillRequest", request | answer, session)


def _above(end: int) -> int:
    """Return a descriptor for `end` that is none of those that the browser is given."""
    found = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
    os.close(end)
    return found


class Page:
    """A page with the lines of ``bridge.mjs``, and a model that they hold."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attach = {"targetId": self._target, "flatten": True}
        self._session = browser.call("Target.attachToTarget", attach)["sessionId"]
        self._do("Fetch.enable", patterns=[{"urlPattern": "*"}])
        self._do("Page.navigate", url=f"{ORIGIN}bridge.html")
        self._bridge = self._evaluated(f"{LOADED}.then(() => import('./bridge.mjs'))")

    def open(self, files: Sequence[Path], threads: int) -> dict[str, Any]:
        """Load a model, whose first file is the one to open; return its inputs and outputs."""
        field = self._evaluated("document.getElementById('files')")
        self._do("DOM.setFileInputFiles", files=[str(path) for path in files], objectId=field)
        found: dict[str, Any] = self.ask("open", threads)
        return found

    def feed(self, arrays: Mapping[str, Any]) -> None:
        """Give the inputs, NumPy arrays by the names that the file has for them."""
        for name, array in arrays.items():
            data = np.ascontiguousarray(array).tobytes()
            for start in range(0, len(data), PIECE):
                self.ask("part", base64.b64encode(data[start : start + PIECE]).decode())
            self.ask("input", name, str(array.dtype), list(array.shape))

    def run(self) -> list[Any]:
        """Return the outputs of the inputs that were given."""
        return [self._output(index, each) for index, each in enumerate(self.ask("run"))]

    def times(self, calls: int, settle_ms: float = 0.0) -> list[float]:
        """Return the milliseconds of each call, taken in the page, after some for `settle_ms`."""
        return [float(each) for each in self.ask("time", calls, settle_ms)]

    def close(self) -> None:
        """Close the page and free what it holds."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def ask(self, name: str, *values: Any) -> Any:
        """Return what a function of the page returns.

        Raises:
            BrowserError: It failed, in the words of the page.
        """
        told = self._do(
            "Runtime.callFunctionOn",
            objectId=self._bridge,
            functionDeclaration=f"function (...values) {{ return this.{name}(...values) }}",
            arguments=[{"value": value} for value in values],
            awaitPromise=True,
            returnByValue=True,
        )
        return _result(told).get("value")

    def _output(self, index: int, about: Mapping[str, Any]) -> Any:
        size, data = int(about["bytes"]), bytearray()
        while len(data) < size:
            piece = base64.b64decode(self.ask("take", index, len(data), len(data) + PIECE), validate=True)
            if not piece:
                raise BrowserError("The page gave less than it said.")
            data += piece
        return np.frombuffer(bytes(data), about["type"]).reshape(about["shape"])

    def _evaluated(self, expression: str) -> str:
        """Return the name that the browser knows an object by."""
        found = _result(self._do("Runtime.evaluate", expression=expression, awaitPromise=True))
        return str(found["objectId"])

    def _do(self, method: str, **params: Any) -> Any:
        return self._browser.call(method, params, self._session)


def _result(told: Mapping[str, Any]) -> Mapping[str, Any]:
    problem = told.get("exceptionDetails")
    if problem is not None:
        said = problem.get("exception", {}).get("description") or problem.get("text", "")
        raise BrowserError(said.splitlines()[0] if said else "The page failed.")
    found: Mapping[str, Any] = told["result"]
    return found


def load() -> Callable[[Mapping[str, Any]], list[Any]]:
    """Return a function from a feed to the list of outputs."""
    manifest = json.loads((HERE / "manifest.json").read_text())
    path = browser_path()
    if path is None:
        raise SystemExit("No browser was found. Install Chromium, or open index.html as the README says.")
    files = {name: HERE / name for name in manifest["sha256"]}
    # Chromium's own sandbox does not start for root.
    browser = Browser(path, files, ["--no-sandbox"] if os.geteuid() == 0 else [])
    page = Page(browser)
    model = HERE / manifest["model"]
    beside = (HERE / name for name in files if name.startswith("model/") and HERE / name != model)
    wanted = page.open([model, *beside], manifest["threads"])["inputs"]
    named = {name for name, _ in wanted} <= set(manifest["inputs"])
    # A conversion may have renamed inputs; their order stays.
    names = [name for name, _ in wanted] if named else manifest["inputs"]

    def run(feed: Mapping[str, Any]) -> list[Any]:
        arrays = zip(wanted, (feed[name] for name in names), strict=True)
        page.feed({name: np.asarray(array, dtype) for (name, dtype), array in arrays})
        return page.run()

    return run
