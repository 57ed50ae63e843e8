"""Outputs compared by top-1 accuracy and fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.bench.quality import evaluation
from core.bench.quality.judged_output import Labels
from core.bench.quality.saved_outputs import Output
from core.domain.quality import Accuracy, Fidelity
from core.protocols import Array, LabelledOutput


def compare(
    ours: Sequence[Output],
    theirs: Sequence[Output],
    labels: Array | None,
    classes: int | None,
    **options: Any,
) -> tuple[Accuracy | None, Fidelity]:
    """Compare by top-1 accuracy where there are labels and classes."""
    given = None
    if labels is not None and classes is not None:
        given = Labels(labels, LabelledOutput("other", labels.shape[1:], classes), "top1")
    found = evaluation.compare(ours, theirs, given, classes, **options)
    return found.accuracy, found.fidelity
