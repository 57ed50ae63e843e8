"""Loss functions: distance to a teacher's answers and to labels, output by output.

Soft targets with temperature after Hinton et al. 2015 (arXiv 1503.02531); other outputs by their squared
error relative to the spread of the teacher's, so that each counts the same whatever its unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from core.domain.model import SourceModel
from core.errors import PassNotApplicable
from core.metrics.choice import class_axis
from core.protocols import Array, LabelledOutput

if TYPE_CHECKING:
    from torch import Tensor

TINY, LEAST_SPREAD = 1e-6, 1e-20
IGNORED = -1
"""Label of what does not count."""


@dataclass(frozen=True)
class OutputRole:
    """What one output is to the loss.

    Attributes:
        axis: That holds classes, the batch counted; None where the values are matched as they are.
        shares: Whether classes are given as probabilities, not as scores.
        spread: Variance of the teacher's values.
        learned: Whether it is matched at all; whole numbers cannot be.
    """

    axis: int | None
    shares: bool = False
    spread: float = 1.0
    learned: bool = True


def roles(model: SourceModel, answers: Sequence[Tensor], labels: Array | None) -> list[OutputRole]:
    """Return what each output of the teacher is, judging by its `answers` and by the `labels` beside them.

    Raises:
        PassNotApplicable: There is none to learn by.
    """
    found = [_role(model, each, labels) for each in answers]
    if not any(role.learned for role in found):
        raise PassNotApplicable(
            "All outputs are whole numbers, which no training can follow.",
            hint="Upload the model with its scores as an output.",
        )
    return found


def _role(model: SourceModel, answer: Tensor, labels: Array | None) -> OutputRole:
    if not answer.is_floating_point():
        return OutputRole(None, learned=False)
    values, classes = answer.float(), model.classes_judged(labels is not None) or _told(answer, labels)
    spread = max(float(values.double().var(correction=0)), LEAST_SPREAD)
    axis = None
    if classes is not None and classes > 1 and answer.ndim > 1:
        row = tuple(answer.shape[1:])
        within = class_axis(LabelledOutput(model.task, (prod(row) // classes,), classes), row)
        axis = None if within is None else within + 1
    if axis is None:
        return OutputRole(None, spread=spread)
    sums = values.sum(axis)
    shares = bool((values >= 0).all() and ((sums - 1).abs() < 1e-3).all())
    return OutputRole(axis, shares, spread)


def _told(answer: Tensor, labels: Array | None) -> int | None:
    """Return the number of classes that only labels tell of: one of them for each row of scores."""
    if labels is None or labels.dtype.kind not in "iu" or answer.ndim < 2:
        return None
    classes = int(answer.shape[1])
    fits = labels.size * classes == answer.numel() and int(labels.max(initial=0)) < classes
    return classes if fits and classes > 1 else None


def distillation(role: OutputRole, found: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Return the distance of one output to the teacher's, about 1 where nothing is learned."""
    from torch.nn import functional

    if role.axis is None:
        return functional.mse_loss(found.float(), wanted.float()) / role.spread
    ours, theirs = (_scores(role, each) / temperature for each in (found, wanted))
    ours, theirs = ours.log_softmax(-1), theirs.log_softmax(-1)
    kl = functional.kl_div(ours, theirs, reduction="none", log_target=True)
    return kl.sum(-1).mean() * temperature**2


def _scores(role: OutputRole, answer: Tensor) -> Tensor:
    """Return the scores of classes (places, classes)."""
    assert role.axis is not None
    moved = answer.float().movedim(role.axis, -1)
    scores = moved.flatten(0, -2)
    return scores.clamp_min(TINY).log() if role.shares else scores


def label_loss(role: OutputRole, found: Tensor, labels: Array, smoothing: float = 0.0) -> Tensor | None:
    """Return the cross-entropy or squared error to `labels`; None where they are not of this output."""
    import torch
    from torch.nn import functional

    wanted = torch.from_numpy(labels)
    if role.axis is not None and not wanted.is_floating_point():
        scores = _scores(role, found)
        if wanted.numel() != len(scores):
            return None
        return functional.cross_entropy(
            scores, wanted.reshape(-1).long(), ignore_index=IGNORED, label_smoothing=smoothing
        )
    if not role.learned or wanted.numel() != found.numel():
        return None
    wanted = wanted.float().reshape(found.shape)
    if not torch.from_numpy(labels).is_floating_point():  # a single score of two classes
        inside = bool(((found >= 0) & (found <= 1)).all())
        loss = functional.binary_cross_entropy if inside else functional.binary_cross_entropy_with_logits
        return loss(found.float(), wanted)
    return functional.mse_loss(found.float(), wanted) / role.spread


def hits(role: OutputRole, found: Tensor, wanted: Tensor) -> tuple[int, int] | None:
    """Return how many places have the class wanted, of how many that count; None without classes.

    Args:
        role: Of the output.
        found: The student's answer.
        wanted: The teacher's answer, or labels.
    """
    if role.axis is None:
        return None
    ours = _scores(role, found).argmax(-1)
    theirs = wanted.reshape(-1) if not wanted.is_floating_point() else _scores(role, wanted).argmax(-1)
    if len(ours) != len(theirs):
        return None
    counted = theirs >= 0
    return int((ours == theirs)[counted].sum()), int(counted.sum())
