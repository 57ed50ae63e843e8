"""Measuring process, child's side: holds one artifact on one runtime and answers timing commands.

It imports the artifact's own runtime and nothing else that is heavy, so that its memory and load time are
what production would see.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from core.bench.quality.predictions import filled, save_golden
from core.bench.quality.running import EvaluationRun
from core.bench.timing import calls
from core.datasets.rows import evaluation_rows
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.examples import example_feed
from core.graphs.torch.modules import import_network
from core.protocols import Feed, LocalArtifact, Runtime, Session
from core.registry import get_runtime
from core.serde import from_plain

RANDOM_FEEDS = 8


@dataclass
class _Held:
    """What is loaded, in `load_s`; `empty_bytes` were resident with only the runtime's libraries loaded."""

    runtime: Runtime
    artifact: LocalArtifact
    target: Target
    model: SourceModel
    data: Path | None
    session: Session
    call: calls.Call
    empty_bytes: int
    peak_before: int
    load_s: float
    evaluation: EvaluationRun | None = None

    @property
    def batch(self) -> int:
        return self.model.fixed_batch or self.target.batch


_held: list[_Held] = []


def _now() -> _Held:
    if not _held:
        raise RuntimeFailed("No model is open in this process.", hint="Open one first.")
    return _held[0]


def _read_through(artifact: LocalArtifact) -> None:
    """Bring the files into the page cache: a load time should not depend on who read them last."""
    for path in artifact.files:
        with path.open("rb") as file:
            while file.read(1 << 20):
                continue


def _feeds(model: SourceModel, data: Path | None, batch: int) -> Iterator[tuple[Feed, int]]:
    """Yield feeds of exactly `batch` evaluation rows, or random ones without data, and their real rows."""
    if data is None:
        yield from ((example_feed(model, batch, seed), batch) for seed in range(RANDOM_FEEDS))
        return
    for feed, rows in evaluation_rows(data, model).batches(batch):
        yield filled(feed, rows, batch), rows


def _until(feeds: Iterator[tuple[Feed, int]], seconds: float | None) -> Iterator[tuple[Feed, int]]:
    """Yield `feeds` for `seconds`, at least one."""
    start = perf_counter()
    for feed in feeds:
        yield feed
        if seconds is not None and perf_counter() - start > seconds:
            return


def import_runtime(payload: dict[str, Any]) -> dict[str, Any]:
    """Import the libraries of ``runtime``."""
    get_runtime(payload["runtime"]).warm_up()
    return {}


def open_model(payload: dict[str, Any]) -> dict[str, Any]:
    """Load the artifact, prepare one call and warm it up.

    Returns:
        ``load_ms`` and ``call_ms``, the time of one warm call.
    """
    runtime = get_runtime(payload["target"]["runtime_id"])
    artifact, target = from_plain(payload["artifact"], LocalArtifact), from_plain(payload["target"], Target)
    model = from_plain(payload["model"], SourceModel)
    data = Path(payload["data"]) if payload["data"] else None
    feed, _ = next(_feeds(model, data, model.fixed_batch or target.batch))
    runtime.warm_up()
    import_network(artifact, model)
    _read_through(artifact)
    gc.collect()
    empty, peak = calls.memory("VmRSS"), calls.memory("VmHWM")
    start = perf_counter()
    session = runtime.open(artifact, target, model)
    load_ms = 1000 * (perf_counter() - start)
    call = session.prepare(feed)
    held = _Held(runtime, artifact, target, model, data, session, call, empty, peak, load_ms / 1000)
    _held[:] = [held]
    # The collector would strike in the middle of a timed call.
    gc.collect()
    gc.freeze()
    gc.disable()
    return {"load_ms": load_ms, "call_ms": calls.warm(held.call)}


def time_calls(payload: dict[str, Any]) -> dict[str, Any]:
    """Time a block of ``calls`` after ``settle_ms`` of them.

    Returns:
        ``ms`` and ``lost_ms``: for each counted call its time, and what of that other programs took.
    """
    times, lost = calls.timed(_now().call, int(payload["calls"]), payload["settle_ms"])
    return {"ms": times, "lost_ms": lost}


def peak_memory(_: dict[str, Any]) -> dict[str, Any]:
    """Return ``bytes``: the most that was resident since the load, above the empty runtime.

    The kernel keeps only the highest figure of the whole life of the process. Where importing the runtime
    took more for a moment than the model ever did, what is resident now stands in for it.
    """
    held, peak = _now(), calls.memory("VmHWM")
    highest = peak if peak > held.peak_before else calls.memory("VmRSS")
    return {"bytes": max(0, highest - held.empty_bytes)}


def predict(payload: dict[str, Any]) -> dict[str, Any]:
    """Run the evaluation set, or go on with it, and save all outputs so far in ``folder``.

    It ends early after ``seconds``, or at ``rows`` of all, where they are not None. There is room for
    ``copies`` of the model side by side, and for ``spare_bytes`` more memory.

    Returns:
        ``samples`` saved, rows of a call (``batch``), ``copies``, seconds of a row (``row_s``), and what came
        of trying larger calls (``larger``).
    """
    held = _now()
    if held.evaluation is None:
        held.evaluation = _evaluation(held)
    run = held.evaluation
    limits = (payload["rows"], payload["seconds"], payload["copies"], payload["spare_bytes"])
    run.go_on(held.session, *limits)
    told = {"batch": run.batch, "copies": run.copies, "row_s": run.row_s, "larger": run.larger}
    return {"samples": run.save(Path(payload["folder"])), **told}


def _evaluation(held: _Held) -> EvaluationRun:
    if held.data is None:
        raise RuntimeFailed("There are no rows to run.", hint="Give data.")

    def reopen(batch: int) -> Session:
        return held.runtime.open(held.artifact, replace(held.target, batch=batch), held.model)

    rows = evaluation_rows(held.data, held.model)
    return EvaluationRun(
        rows, held.batch, reopen, held.load_s, lambda: calls.memory("VmHWM") - held.empty_bytes
    )


def golden(payload: dict[str, Any]) -> dict[str, Any]:
    """Save the first ``count`` feeds with their outputs in the file ``path``, fewer after ``seconds``.

    Returns:
        ``count``: feeds saved.
    """
    held = _now()
    first = islice(_feeds(held.model, held.data, held.batch), payload["count"])
    pairs = [(feed, held.session.run(feed)) for feed, _ in _until(first, payload["seconds"])]
    save_golden(Path(payload["path"]), [feed for feed, _ in pairs], [outputs for _, outputs in pairs])
    return {"count": len(pairs)}


def reload_model(_: dict[str, Any]) -> dict[str, Any]:
    """Load the artifact a second time in this process; returns ``load_ms``."""
    held = _now()
    held.session.close()
    held.call = lambda: None
    gc.collect()
    start = perf_counter()
    held.session = held.runtime.open(held.artifact, held.target, held.model)
    return {"load_ms": 1000 * (perf_counter() - start)}


def set_batch(payload: dict[str, Any]) -> dict[str, Any]:
    """Make the timed call one of ``batch`` rows.

    Returns:
        ``call_ms``, the time of such a call, and ``memory``, resident bytes.
    """
    held = _now()
    feed, _ = next(_feeds(held.model, held.data, int(payload["batch"])))
    held.call = held.session.prepare(feed)
    return {"call_ms": calls.once(held.call), "memory": calls.memory("VmRSS")}


COMMANDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "import": import_runtime,
    "open": open_model,
    "time": time_calls,
    "memory": peak_memory,
    "predict": predict,
    "golden": golden,
    "reload": reload_model,
    "batch": set_batch,
}
