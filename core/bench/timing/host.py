"""Measuring process, child's side: holds one artifact on one runtime and answers timing commands.

It imports the artifact's own runtime and nothing else that is heavy, so that its memory and load time are
what production would see.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter

from core.bench.quality.predictions import filled, save_blocks, save_golden
from core.bench.quality.running import EvaluationRun
from core.bench.timing import calls
from core.bench.timing import commands as said
from core.datasets.rows import evaluation_rows
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Target
from core.errors import RuntimeFailed, WhetstoneError
from core.examples import example_feed
from core.graphs.torch.modules import import_network, network_library
from core.protocols import Feed, LocalArtifact, Runtime, Session
from core.registry import get_runtime

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

    def memory(self, field: str) -> int:
        return calls.memory(field, self.runtime.browser)


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


def feeds(model: SourceModel, data: Path | None, batch: int) -> Iterator[tuple[Feed, int]]:
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


def import_runtime(asked: said.Import) -> said.Done:
    """Import the libraries of the runtime, and what opens the artifact."""
    get_runtime(asked.runtime).warm_up()
    import_network(asked.format, asked.library)
    return said.Done()


def open_model(asked: said.Open) -> said.Opened:
    """Load the artifact, prepare one call and warm it up."""
    artifact, target, model, data = asked.artifact, asked.target, asked.model, asked.data
    runtime = get_runtime(target.runtime_id)
    feed, _ = next(feeds(model, data, model.fixed_batch or target.batch))
    runtime.warm_up()
    import_network(artifact.format, network_library(artifact.format, model))
    _read_through(artifact)
    gc.collect()
    empty, peak = calls.memory("VmRSS", runtime.browser), calls.memory("VmHWM", runtime.browser)
    start = perf_counter()
    session = runtime.open(artifact, target, model)
    load_ms = 1000 * (perf_counter() - start)
    start = perf_counter()
    call = session.prepare(feed)  # calls once
    first_ms = 1000 * (perf_counter() - start)
    held = _Held(runtime, artifact, target, model, data, session, call, empty, peak, load_ms / 1000)
    _held[:] = [held]
    # The collector would strike in the middle of a timed call.
    gc.collect()
    gc.freeze()
    gc.disable()
    return said.Opened(load_ms, calls.warm(held.call), first_ms)


def time_calls(asked: said.Time) -> said.Times:
    """Time a block of calls after some that are not counted."""
    return said.Times(*calls.timed(_now().call, asked.calls, asked.settle_ms))


def peak_memory(_: said.Memory) -> said.Resident:
    """Return the most that was resident since the load, above the empty runtime.

    The kernel keeps only the highest figure of the whole life of the process. Where importing the runtime
    took more for a moment than the model ever did, what is resident now stands in for it.
    """
    held = _now()
    peak = held.memory("VmHWM")
    highest = peak if peak > held.peak_before else held.memory("VmRSS")
    return said.Resident(max(0, highest - held.empty_bytes))


def predict(asked: said.Predict) -> said.Predicted:
    """Run the evaluation set, or go on with it, and save all outputs so far."""
    held = _now()
    if held.evaluation is None:
        held.evaluation = _evaluation(held)
    run = held.evaluation
    run.go_on(held.session, asked.rows, asked.seconds, asked.copies, asked.spare_bytes)
    return said.Predicted(run.save(asked.folder), run.batch, run.copies, run.row_s, run.larger)


def _evaluation(held: _Held) -> EvaluationRun:
    if held.data is None:
        raise RuntimeFailed("There are no rows to run.", hint="Give data.")

    def reopen(batch: int) -> Session:
        return held.runtime.open(held.artifact, replace(held.target, batch=batch), held.model)

    rows = evaluation_rows(held.data, held.model)
    return EvaluationRun(
        rows, held.batch, reopen, held.load_s, lambda: held.memory("VmHWM") - held.empty_bytes
    )


def golden(asked: said.Golden) -> said.Saved:
    """Save the first feeds with their outputs."""
    held = _now()
    first = islice(feeds(held.model, held.data, held.batch), asked.count)
    pairs = [(feed, held.session.run(feed)) for feed, _ in _until(first, asked.seconds)]
    save_golden(asked.path, [feed for feed, _ in pairs], [outputs for _, outputs in pairs])
    return said.Saved(len(pairs))


def other_batch(asked: said.OtherBatch) -> said.OtherSaved:
    """Run the first rows in one call of another size than the target's.

    Raises:
        RuntimeFailed: An output has another number of rows than the call.
    """
    held = _now()
    rows = None if held.data is None else evaluation_rows(held.data, held.model)
    specs = held.model.outputs
    if rows is None or not rows.by_batch or not all(has_rows(spec, held.model) for spec in specs):
        return said.OtherSaved(0)
    feed, count = next(rows.batches(asked.batch))
    try:
        outputs = held.session.run(filled(feed, count, asked.batch))
    except WhetstoneError:  # files of one batch size are what some formats can hold
        return said.OtherSaved(0)
    for spec, output in zip(specs, outputs, strict=True):
        if len(output) != asked.batch:
            raise RuntimeFailed(
                f"The output {spec.name} has {len(output)} rows for a call of {asked.batch}.",
                hint="Export for one batch size, or to another target.",
            )
    return said.OtherSaved(save_blocks([[output[:count] for output in outputs]], asked.folder))


def has_rows(spec: TensorSpec, model: SourceModel) -> bool:
    """Whether the first axis of an output is the batch."""
    return bool(spec.shape) and spec.shape[0] == model.batch_symbol


def reload_model(_: said.Reload) -> said.Reloaded:
    """Load the artifact a second time in this process."""
    held = _now()
    held.session.close()
    held.call = lambda: None
    gc.collect()
    start = perf_counter()
    held.session = held.runtime.open(held.artifact, held.target, held.model)
    return said.Reloaded(1000 * (perf_counter() - start))


def set_batch(asked: said.SetBatch) -> said.BatchSet:
    """Make the timed call one of other rows."""
    held = _now()
    feed, _ = next(feeds(held.model, held.data, asked.batch))
    held.call = held.session.prepare(feed)
    return said.BatchSet(calls.once(held.call), held.memory("VmRSS"))


COMMANDS = dict(
    (
        said.IMPORT.done_by(import_runtime),
        said.OPEN.done_by(open_model),
        said.TIME.done_by(time_calls),
        said.MEMORY.done_by(peak_memory),
        said.PREDICT.done_by(predict),
        said.GOLDEN.done_by(golden),
        said.OTHER_BATCH.done_by(other_batch),
        said.RELOAD.done_by(reload_model),
        said.BATCH.done_by(set_batch),
    )
)
