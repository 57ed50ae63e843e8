"""Measuring one candidate against its baseline on one machine: latency, throughput, memory and quality."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.archives.npz import npz_names
from core.bench.quality.comparing import UNIT as COMPARE
from core.bench.quality.comparing import Compared, CompareRequest
from core.bench.quality.predictions import CHANGING, GOLDEN_NAMES
from core.bench.timing.between_process import Spread
from core.bench.timing.endpoint import Endpoint
from core.bench.timing.interleaving import MeasurementPlan
from core.bench.timing.preloaded import taken
from core.bench.timing.stopwatch import measure
from core.datasets.splits import FOR_EVALUATION
from core.domain.accuracy_detail import AccuracyDetail
from core.domain.measurement import Timing
from core.domain.model import DETECTION, SourceModel
from core.domain.quality import Evaluation, OtherBatch, Quality
from core.domain.recipe import Artifact, Target
from core.errors import RuntimeFailed
from core.protocols import LabelledOutput, LocalArtifact
from core.work.output_files import kept_file
from core.work.unit import Done, Job, Kind, Progress

OURS, THEIRS, DATA, REFERENCE = "ours", "theirs", "data", "reference"
"""The unit's inputs: candidate, baseline, rows, and the outputs of the baseline as it was measured."""
TIMED = "comparing outputs"
"""Message of the progress from when on nothing of this measurement is timed any more."""
CALLS = "ms"
"""Figure of the progress that holds the candidate's last calls, in milliseconds."""


class MeasureRequest(msgspec.Struct, frozen=True):
    """What to measure.

    Attributes:
        model: The source model.
        candidate: What is measured.
        target: How it runs.
        baseline: What it is compared with.
        baseline_target: How that runs.
        plan: How long and how exactly.
        judged: What the labels are for; None without labels.
        metric: Id of the metric to hold outputs against them; empty without labels.
        samples: Rows at most.
        test: The first of them, which are the test's.
        known: What the run has seen of the spread between process starts; None before its first result.
        waiting: Name under which a process of the baseline may wait on this machine.
        max_drop: Where the loss is surely larger, the rest of the rows is not run; None runs them all.
        other_batch: Rows of one more call that is compared; None for no such call.
    """

    model: SourceModel
    candidate: Artifact
    target: Target
    baseline: Artifact
    baseline_target: Target
    plan: MeasurementPlan
    judged: LabelledOutput | None
    metric: str
    samples: int
    test: int
    known: Spread | None = None
    waiting: str = ""
    max_drop: float | None = None
    other_batch: int | None = None


class Measured(msgspec.Struct, frozen=True):
    """All figures of a candidate.

    The unit's first file holds a few inputs with its outputs; the others, where the baseline itself was
    measured, are its outputs on all rows.

    Attributes:
        timing: Against the baseline.
        test: Quality on the test rows.
        search: Quality on the search rows; None where all rows are the test's.
        round_s: Seconds that a round took by the clock.
        evaluation: How the outputs were computed.
        detail: Accuracy on the test rows in detail.
        other_batch: What the call of another batch size gave; None where none was asked for.
    """

    timing: Timing
    test: Quality
    search: Quality | None
    round_s: float
    evaluation: Evaluation
    detail: AccuracyDetail | None = None
    other_batch: OtherBatch | None = None


def measure_candidate(request: MeasureRequest, job: Job) -> Done[Measured]:
    """Time the candidate in interleaved rounds with the baseline, then compare their outputs.

    Raises:
        RuntimeFailed: The runtime refuses the artifact, or its outputs are not finite.
        Cancelled: The work was stopped, or the time is over.
    """
    data, theirs = job.inputs[DATA], job.inputs.get(REFERENCE)

    def look(ours: Path) -> str:
        found = _compared(request, ours, theirs or ours, data, job, sequential=True)
        return beyond(found.test, request.max_drop)

    # What is chosen by the test's rows must not reach a strategy, which sees the search rows behind them.
    looks = theirs is not None and request.max_drop is not None and request.test == request.samples
    measured = measure(
        _endpoint(request, request.candidate, request.target, job.inputs[OURS]),
        _endpoint(request, request.baseline, request.baseline_target, job.inputs[THEIRS]),
        request.plan,
        job.folder,
        data,
        seed=job.seed,
        cancel=job.over,
        reference=taken(request.waiting),
        on_block=lambda calls: job.progress(Progress(figures={CALLS: calls})),
        known=request.known,
        samples=request.samples,
        look=look if looks else None,
        on_timed=lambda: job.progress(Progress(message=TIMED)),
        other_batch=request.other_batch if theirs is not None else None,
    )
    ours, evaluation = measured.predictions, measured.evaluation
    if ours is None or evaluation is None:
        raise RuntimeFailed("The candidate left no predictions.", hint="Report this as a fault.")
    golden = kept_file(measured.golden.parent, measured.golden.name)
    npz_names(golden, GOLDEN_NAMES)
    files = [golden, *([] if theirs else saved(ours))]
    found = _compared(request, ours, theirs or ours, data, job, bool(evaluation.stopped), detail=True)
    other = _other_batch(request, measured.other_batch, theirs, job)
    told = (found.test, found.search, measured.round_s, evaluation, found.detail, other)
    return Done(Measured(measured.timing, *told), files)


def beyond(seen: Quality, limit: float | None) -> str:
    """Return in a sentence that the loss is surely above `limit`, or nothing; `seen` is sequential."""
    if limit is None or seen.undefined:
        return ""
    found, rows = seen.accuracy, seen.fidelity.samples
    if found is not None:
        if not found.sequential or found.drop.low <= limit:
            return ""
        told = f"{found.scale.name} fell by at least {found.scale.difference(found.drop.low).lstrip('+')}"
    else:
        agreement = seen.fidelity.top1_agreement
        if agreement is None or 100 - agreement.high <= limit:
            return ""
        told = f"at least {100 - agreement.high:.1f} % of the answers differ"
    return f"Stopped early after {rows:,} samples: {told}, surely more than the limit."


def saved(folder: Path) -> list[Path]:
    """Return the files of saved outputs in `folder`."""
    return [*folder.glob("[0-9]*.npy"), *folder.glob(CHANGING)]


def _endpoint(request: MeasureRequest, artifact: Artifact, target: Target, folder: Path) -> Endpoint:
    return Endpoint(LocalArtifact.of(artifact, folder), target, request.model)


def _other_batch(
    request: MeasureRequest, ours: Path | None, theirs: Path | None, job: Job
) -> OtherBatch | None:
    """Return what the first rows in one call gave, held against the baseline's answers to them."""
    if request.other_batch is None or theirs is None:
        return None
    if ours is None:
        return OtherBatch(request.other_batch)
    asked = CompareRequest(
        ours=ours,
        theirs=theirs,
        labels=(),
        judged=None,
        metric="",
        classes=request.model.classes_judged(False),
        names=tuple(spec.name for spec in request.model.outputs),
        samples=request.samples,
        test=request.other_batch,
    )
    found: Compared = job.run(COMPARE.unit(asked, reads=(ours, theirs))).values
    return OtherBatch(request.other_batch, found.test.fidelity)


def _compared(
    request: MeasureRequest,
    ours: Path,
    theirs: Path,
    data: Path,
    job: Job,
    sequential: bool,
    detail: bool = False,
) -> Compared:
    """Compare two folders of outputs in a process of its own, as what wrote them may be hostile."""
    boxes = request.judged is not None and request.judged.boxes
    files = (data / (part.boxes if boxes else part.labels) for part in FOR_EVALUATION)
    labels = tuple(path for path in files if path.exists())
    asked = CompareRequest(
        ours=ours,
        theirs=theirs,
        labels=labels,
        judged=request.judged,
        metric=request.metric,
        classes=request.judged.classes if request.judged else request.model.classes_judged(False),
        names=tuple(spec.name for spec in request.model.outputs),
        samples=request.samples,
        test=request.test,
        sequential=sequential,
        detects=boxes or request.model.task == DETECTION,
        canvas=request.model.canvas,
        detail=detail,
    )
    found: Compared = job.run(COMPARE.unit(asked, reads=(*dict.fromkeys((ours, theirs)), *labels))).values
    return found


UNIT = Kind(
    __name__, "measure", MeasureRequest, Measured, measure_candidate, confined=False, leaves_files=True
)
