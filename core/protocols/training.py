"""Training contract: data, labels, teacher, checkpoints and deadline of a pass that trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.protocols.artifacts import Array, Feed, LocalArtifact


@dataclass(frozen=True)
class TrainingRows:
    """Rows of one share of the data, to train on or to search by.

    Attributes:
        samples: How many rows there are.
        labelled: Whether batches come with labels.
        batches: Yields ``(feed, labels)`` for a batch size and a seed: in an order that the seed shuffles, or
            in their own order for None. Labels are class indices (rows,) int64, or None.
    """

    samples: int
    labelled: bool
    batches: Callable[[int, int | None], Iterator[tuple[Feed, Array | None]]]


@dataclass(frozen=True)
class Training:
    """What a pass that trains gets beside the rest of its context.

    A pass keeps its state in `checkpoints` now and then, as plain files directly in it, by writing beside and
    renaming, and begins from what lies there: it may have been killed, or its node lost. What it reads there
    was written by a confined process: tensors are loaded as weights only. At the deadline it returns its best
    so far, with the detail ``complete`` false: the checkpoints that are left then let a later run go on.

    Attributes:
        rows: To learn from: the training set or, without one, the rows for calibration.
        search: To stop early and to choose weights by; never what figures are reported on.
        teacher: The uploaded model, for distillation.
        checkpoints: Folder that outlives the process; empty at first, removed once the artifact is kept.
        seconds_left: Returns the seconds to the deadline, infinite without one.
        report: Takes the steps done, the steps in all and named figures, such as ``{"loss": 0.41}``.
        device: Always ``cpu`` for now.
        filled: Whether a time budget gives the seconds left: what has no length of its own then fills them.
    """

    rows: TrainingRows
    search: TrainingRows
    teacher: LocalArtifact
    checkpoints: Path
    seconds_left: Callable[[], float]
    report: Callable[[int, int, Mapping[str, float]], None]
    device: str = "cpu"
    filled: bool = False
