"""Building one step: a pass applied to an artifact."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from core import params, registry
from core.datasets.rows import BuildRows, Rows, build_rows
from core.domain.model import FileRef, SourceModel
from core.domain.recipe import Artifact, Step, Target
from core.errors import PassNotApplicable
from core.examples import example_feeds
from core.protocols import Feed, LocalArtifact, Pass, PassContext, Trainer, Training, TrainingRows
from core.sandbox.answers import lines, unusable
from core.serde import to_json
from core.texts import one_line
from core.work.output_files import LONGEST_NAME
from core.work.unit import Check, Done, Job, Kind, Progress, WorkUnit

RANDOM_FEEDS = 32
LASTING = frozenset({"fixed"})
"""Details that hold for whatever is made of an artifact: what it takes for granted."""
LONGEST_FACTS = 64 * 1024
MODEL, DATA, TEACHER = "model", "data", "teacher"
WRAP_UP_S, WRAP_UP_SHARE = 10.0, 0.2
"""Time that a training leaves for writing its artifact: as long as it took to open the network, which a busy
machine makes as slow, so many seconds at least, and this share of all at most."""
TELL_EVERY_S = 0.5
DEEPER = ("torch._dynamo", "torch._export.serde.serialize", "torch.onnx._internal.exporter._core")
"""What opening and exporting a network imports of torch besides torch itself; names that may come and go."""
STEP, STEPS = "step", "steps"
"""Names of the figures of a training that count its steps."""


class BuildRequest(msgspec.Struct, frozen=True):
    """What to build.

    The unit's inputs are the artifact's files as ``model`` and those of a built data set as ``data``; without
    the latter calibration is on random inputs. A pass that trains gets those of the source model as
    ``teacher``, too.

    Attributes:
        step: The pass with its parameters.
        model: The source model.
        artifact: What the pass is applied to.
        target: Where the recipe will run, for a pass that measures; None for all others.
        filled: Whether a time budget gives the deadline, see `core.protocols.Training`.
        grace_s: Seconds before the deadline at which a training should have ended: who is stopped there loses
            what came after its last checkpoint.
        finish: Whether a training takes no further step, and leaves the best weights of its checkpoint.
    """

    step: Step
    model: SourceModel
    artifact: Artifact
    target: Target | None = None
    filled: bool = False
    grace_s: float = 0.0
    finish: bool = False


class Built(msgspec.Struct, frozen=True):
    """What a pass made; its files are those that the unit left, the one to open first.

    Attributes:
        format: Of the new artifact.
        options: How a runtime must open it.
        details: What the pass did.
    """

    format: str
    options: dict[str, Any]
    details: dict[str, Any]


def build(request: BuildRequest, job: Job) -> Done[Built]:
    """Run one pass and check what it promises.

    Raises:
        PassNotApplicable: The graph has nothing this technique can work on.
        PassFailed: The technique broke on this model or did not keep its promise.
    """
    chosen = registry.get_pass(request.step.pass_id)
    settings = params.make(chosen.Params, request.step.params)
    before = LocalArtifact.of(request.artifact, job.inputs[MODEL])
    rows = build_rows(job.inputs[DATA], request.model) if DATA in job.inputs else None
    calibration = _calibration(request.model, rows, job.seed)
    training = _training(request, rows, job) if isinstance(chosen, Trainer) else None
    search = _rows(rows.search) if rows is not None and rows.search is not None else None
    statistics = job.checkpoints if chosen.shares else None
    context = PassContext(
        request.model,
        job.folder,
        calibration,
        job.seed,
        job.cores,
        training,
        search,
        request.target,
        statistics,
    )
    after = chosen.run(context, before, settings)
    chosen.ensures(before, after, settings)
    kept = {key: value for key, value in before.details.items() if key in LASTING}
    files = dict.fromkeys((after.path.resolve(), *(file.resolve() for file in after.files)))
    return Done(Built(after.format, after.options, kept | after.details), tuple(files))


def _calibration(model: SourceModel, rows: BuildRows | None, seed: int) -> Callable[[], Iterator[Feed]]:
    if rows is None:
        return lambda: example_feeds(model, RANDOM_FEEDS, seed)
    return lambda: (feed for feed, _ in rows.calibration.batches(1))


def _training(request: BuildRequest, rows: BuildRows | None, job: Job) -> Training:
    """Return what a pass that trains gets: without a training set it learns from the rows for calibration.

    Where the data have no rows to search by, those to learn from are these, too: never those of the test.
    """
    if rows is None or job.checkpoints is None:
        raise PassNotApplicable("Training needs data.", hint="Give some, with labels if you have them.")
    curve, most = _Curve(job.progress), WRAP_UP_SHARE * job.seconds_left()
    learned = rows.training or rows.calibration
    model = request.model
    source = Artifact(model.id, None, None, model.format, model.files)

    def left_s() -> float:
        if request.finish:
            return 0.0
        return max(0.0, job.seconds_left() - request.grace_s - min(max(WRAP_UP_S, curve.opening_s), most))

    return Training(
        _rows(learned),
        _rows(rows.search or learned),
        LocalArtifact.of(source, job.inputs[TEACHER]),
        job.checkpoints,
        left_s,
        curve.report,
        filled=request.filled,
    )


def _rows(rows: Rows) -> TrainingRows:
    return TrainingRows(rows.samples, rows.labels is not None, rows.labelled)


class _Curve:
    """Tells the figures of a training, a few times a second and at its end."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell, self._last, self._began = tell, -TELL_EVERY_S, time.monotonic()
        self.opening_s = 0.0

    def report(self, done: int, total: int, values: Mapping[str, float]) -> None:
        now = time.monotonic()
        self.opening_s = self.opening_s or now - self._began
        if now - self._last < TELL_EVERY_S and done < total:
            return
        self._last = now
        finite = {name: float(value) for name, value in values.items() if isfinite(value)}
        figures: dict[str, float | list[float]] = {STEP: done, STEPS: total, **finite}
        # All the figures are in the curves; in a line for people they would hide how far it is.
        said = f", loss {values['loss']:.4g}" if "loss" in values else ""
        message = f"training step {done:,} of {total:,}{said}"
        self._tell(Progress(message=message, share=done / max(1, total), figures=figures))


def accept(_: BuildRequest, said: Built) -> Built:
    """Return what was built with its texts cleaned.

    Raises:
        UnsafeUpload: It says too much.
    """
    options, details = lines(said.options), lines(said.details)
    if len(to_json([details, options])) > LONGEST_FACTS:
        raise unusable("it tells more of what it built than anybody could read")
    return Built(one_line(said.format, LONGEST_NAME), options, details)


def check(request: BuildRequest, built: Built, files: tuple[Path, ...]) -> WorkUnit[Any, Any] | None:
    """Return the unit that looks at what was built as at an upload, in a process of its own.

    None where the very files that it was built of were left, as by a pass that sets an option: they were
    looked at before.
    """
    before = request.artifact
    same = built.format == before.format and len(files) == len(before.files)
    if same and all(map(_is, files, before.files)):
        return None
    made = LocalArtifact(built.format, files[0], files)
    return WorkUnit(kind="core.formats.check", parameters=Check((made,)), reads=(files[0].parent,))


def _is(path: Path, file: FileRef) -> bool:
    if path.stat().st_size != file.size or path.name != file.name.rpartition("/")[2]:
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256


def imports_of(technique: Pass) -> Sequence[str]:
    """Return the modules of all techniques, and the libraries of this one."""
    own = sorted({type(each).__module__ for each in registry.passes().values()})
    return [*own, *technique.libraries, *(DEEPER if "torch" in technique.libraries else ())]


def imports(request: BuildRequest) -> Sequence[str]:
    """Return what building imports."""
    return imports_of(registry.get_pass(request.step.pass_id))


UNIT = Kind(
    __name__,
    "build",
    BuildRequest,
    Built,
    build,
    leaves_files=True,
    accept=accept,
    check=check,
    imports=imports,
)
