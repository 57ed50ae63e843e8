"""Evaluation of saved outputs in a confined process: a hostile model may have written them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from core.bench.quality.detail.detail import accuracy_detail
from core.bench.quality.evaluation import compare
from core.bench.quality.judged_output import Labels
from core.bench.quality.predictions import CHANGING
from core.bench.quality.saved_outputs import Saved, open_saved, read_outputs
from core.domain.accuracy_detail import AccuracyDetail, Answers
from core.domain.quality import Quality
from core.protocols import LabelledOutput
from core.work.unit import Done, Job, Kind


class CompareRequest(msgspec.Struct, frozen=True):
    """Two folders of outputs by `core.bench.quality.predictions.save_predictions`; all paths are `reads`.

    Attributes:
        ours: The candidate's.
        theirs: The baseline's.
        labels: Files of what belongs to the rows, one after another.
        judged: What the labels are for; None without labels.
        metric: Id of the metric; empty without labels.
        classes: How many there are; None where the outputs are no classes.
        names: Of the outputs.
        samples: The most rows there can be.
        test: The rows of the test, which come first. Those behind them are compared apart.
        sequential: The rows ended where the figures were clear, see `compare`.
        detects: The outputs may be lists of detections.
        canvas: Height and width of the input picture, for those.
        detail: Whether to tell accuracy in detail, too.
    """

    ours: Path
    theirs: Path
    labels: tuple[Path, ...]
    judged: LabelledOutput | None
    metric: str
    classes: int | None
    names: tuple[str, ...]
    samples: int
    test: int
    sequential: bool = False
    detects: bool = False
    canvas: tuple[int, int] | None = None
    detail: bool = False


class Compared(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        test: Quality on the test rows.
        search: Quality on the search rows; None where all rows are the test's.
        detail: Of the test rows; None where nobody asked.
    """

    test: Quality
    search: Quality | None
    detail: AccuracyDetail | None = None


def compare_outputs(request: CompareRequest, _: Job) -> Done[Compared]:
    """Compare two folders of outputs.

    Raises:
        RuntimeFailed: As `compare` and `read_outputs` do.
    """
    folders = (request.ours, request.theirs)
    sides = [read_outputs(folder, request.samples) for folder in folders]
    labels = _labels(request)

    def quality(start: int, stop: int) -> Quality:
        ours, theirs = ([output.rows(start, stop) for output in outputs] for outputs in sides)
        return compare(
            ours,
            theirs,
            labels and replace(labels, values=labels.values[start:stop]),
            request.classes,
            changing=any((folder / CHANGING).exists() for folder in folders),
            names=list(request.names),
            itself=request.ours == request.theirs,
            sequential=request.sequential,
            detects=request.detects,
            canvas=request.canvas,
        )

    left = min(output.shape[0] for outputs in sides for output in outputs) > request.test
    search = quality(request.test, request.samples) if left else None
    told = quality(0, request.test)
    return Done(Compared(told, search, _detail(request, sides, labels, told) if request.detail else None))


def _detail(
    request: CompareRequest, sides: Sequence[Sequence[Saved]], labels: Labels | None, told: Quality
) -> AccuracyDetail:
    ours, theirs = ([output.rows(0, request.test) for output in outputs] for outputs in sides)
    about = (request.classes, request.names, request.detects, request.canvas, told.fidelity.worst.name)
    try:
        return accuracy_detail(ours, theirs, labels, *about)
    except (ArithmeticError, LookupError, ValueError) as error:
        # The figures themselves are there: what explains them must not cost the candidate.
        return AccuracyDetail(Answers.OTHER, "", 0, note=f"Details could not be worked out: {error}.")


def _labels(request: CompareRequest) -> Labels | None:
    if request.judged is None:
        return None
    values = np.concatenate([open_saved(path)[:] for path in request.labels])
    return Labels(values, request.judged, request.metric)


UNIT = Kind(__name__, "compare", CompareRequest, Compared, compare_outputs)
