"""Recovery of a network by a teacher, by labels or by both: what the techniques that train have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any

from core.errors import PassNotApplicable
from core.machine.environment import environment
from core.passes.quantization.bf16 import INSTRUCTIONS
from core.passes.training.augmentation import Augmentation, approved
from core.passes.training.effort import Effort
from core.passes.training.lesson import ACCURACY, AGREEMENT, LOSS, Figures, Judge, Lesson
from core.passes.training.loop import Fitting
from core.passes.training.memory import fitting_batch
from core.passes.training.network import FEWEST_ROWS, Network
from core.passes.training.norms import reestimate
from core.passes.training.objective import OutputRole, distillation, hits, label_loss, roles
from core.passes.training.teacher import as_tensors, teacher
from core.protocols import Array, Feed, PassContext, Training

if TYPE_CHECKING:
    from torch import Tensor

BATCH, ALIKE_ROWS = 128, 64
"""Rows of a batch, and rows on which the teacher is asked about augmentations."""
EXAMPLE_ROWS = 2
SMOOTHING = 0.05
"""Of labels: weights that are sure of everything read new data worse."""
MOST_SEARCHED_BYTES = 2**28
SEARCHED_SHARE = 0.02
"""Of the time, for the teacher to read search rows: the student is slower and reads them many times."""


@dataclass(frozen=True)
class Aims:
    """What to learn by.

    Attributes:
        temperature: Of the soft targets.
        labels: Share of the loss on labels, where there are some; 1 learns by labels alone.
        augment: Whether augmentations are tried.
    """

    temperature: float = 4.0
    labels: float = 0.1
    augment: bool = True


def training_of(context: PassContext) -> Training:
    """Return what a pass that trains is given.

    Raises:
        PassNotApplicable: There is nothing to learn from.
    """
    if context.training is None:
        raise PassNotApplicable("Training needs data.", hint="Give some, with labels if you have them.")
    return context.training


def recover(network: Network, context: PassContext, aims: Aims, effort: Effort) -> dict[str, Any]:
    """Train `network` to answer as the teacher does, or as the labels say; return what was done.

    Raises:
        PassNotApplicable: There is nothing to learn by, or no memory to learn in.
    """
    with _prepared(context):
        recovery = _Recovery(network, context, aims, _patience(context, effort))
        done = Fitting(network, recovery.lesson, training_of(context), effort, context.threads).run()
    return done | recovery.about


def reestimated(network: Network, context: PassContext) -> dict[str, Any]:
    """Give the batch norms of `network` the statistics of the rows; return the loss before and after.

    Raises:
        PassNotApplicable: There is nothing to judge by.
    """
    with _prepared(context):
        recovery = _Recovery(network, context, Aims(labels=0.0, augment=False))
        before, after = recovery.reestimated(recovery.lesson.judge)
    return {"before": before, "after": after, "norms": len(network.norms)}


def _patience(context: PassContext, effort: Effort) -> float:
    """Return the seconds that the teacher may read search rows for; a repeatable training takes all."""
    seconds = min(effort.seconds, training_of(context).seconds_left())
    return inf if effort.steps else SEARCHED_SHARE * seconds


@contextmanager
def _prepared(context: PassContext) -> Iterator[None]:
    """Compute with gradients, reproducibly, on the threads that are there."""
    import torch

    torch.manual_seed(context.seed)
    torch.set_num_threads(context.threads)
    with torch.enable_grad():
        yield


class _Recovery:
    """Losses and judgements of one training."""

    def __init__(self, network: Network, context: PassContext, aims: Aims, patience_s: float = inf) -> None:
        self._network, self._context, self._aims = network, context, aims
        self._patience_s = patience_s
        self._training = training_of(context)
        fixed, rows = context.model.fixed_batch, self._training.rows
        example, _ = next(iter(rows.batches(min(EXAMPLE_ROWS, rows.samples), None)))
        network.learn(False)
        most = min(BATCH, rows.samples)
        batch = fixed or fitting_batch(network, network.tensors(example, context), most)
        if fixed:
            fitting_batch(network, network.tensors(example, context), fixed)
        self._labelled = rows.labelled and aims.labels > 0
        shown, labels = next(iter(rows.batches(min(ALIKE_ROWS, rows.samples), None)))
        rough = context.model.classes_judged(rows.labelled) is not None
        self._answer = teacher(self._training.teacher, context, shown, rough)
        self._roles = roles(context.model, as_tensors(self._answer(shown)), labels)
        if aims.labels >= 1:
            self._require_labels(shown, labels)
        self._autocast = rough and bool(INSTRUCTIONS & set(environment().isa))
        self._augment = self._approved(shown) if aims.augment else Augmentation()
        self._searched: list[tuple[Feed, Array | None, list[Tensor]]] | None = None
        norms = batch >= FEWEST_ROWS and bool(network.norms)
        self.lesson = Lesson(self._loss, self._judge, self._begin, batch, norms)

    @property
    def about(self) -> dict[str, Any]:
        """What was chosen, for people."""
        return {
            "labelled": self._labelled,
            "augmentation": self._augment.names,
            "precision": "BF16" if self._autocast else "FP32",
        }

    def _begin(self, judge: Judge) -> Figures:
        """Re-estimate the statistics of a network that was not trained yet; return its figures."""
        return self.reestimated(judge)[1] if self.lesson.norms else judge()

    def reestimated(self, judge: Judge) -> tuple[Figures, Figures]:
        """Give the batch norms new statistics; return the figures before, and of those that were kept."""
        return reestimate(self._network, self._context, self.lesson.batch, judge, self._students)

    def _approved(self, shown: Feed) -> Augmentation:
        tensors = self._network.tensors(shown, self._context)
        rows = self._training.rows.samples
        model = self._context.model
        return approved(model, tensors, self._roles, self._asked, rows, self._labelled)

    def _asked(self, tensors: list[Tensor]) -> list[Tensor]:
        """Return the teacher's answers to tensors."""
        names = [spec.name for spec in self._context.model.inputs]
        feed = {name: each.contiguous().numpy() for name, each in zip(names, tensors, strict=True)}
        return as_tensors(self._answer(feed))

    def _require_labels(self, shown: Feed, labels: Array | None) -> None:
        answers = as_tensors(self._answer(shown))
        pairs = zip(self._roles, answers, strict=True)
        if labels is None or all(label_loss(role, each, labels) is None for role, each in pairs):
            raise PassNotApplicable(
                "Fine-tuning needs rows with labels that fit an output.",
                hint="Give a training set with labels, or distil: that learns from the model itself.",
                instead="distill",
            )

    def _students(self, tensors: list[Tensor]) -> list[Tensor]:
        import torch

        with torch.autocast("cpu", torch.bfloat16, enabled=self._autocast):
            return self._network(tensors)

    def _loss(self, feed: Feed, labels: Array | None, step: int) -> Tensor:
        import torch

        generator = torch.Generator().manual_seed(hash((self._context.seed, step)) % 2**31)
        tensors = self._augment(self._network.tensors(feed, self._context), generator)
        wanted = self._asked(tensors) if self._aims.labels < 1 else None
        return self._distance(self._students(tensors), wanted, labels if self._labelled else None)

    def _distance(
        self,
        found: list[Tensor],
        wanted: list[Tensor] | None,
        labels: Array | None,
        smoothing: float = SMOOTHING,
    ) -> Tensor:
        """Return the loss: to the teacher's answers, to the labels, or to both in their shares."""
        by_teacher = [
            distillation(role, ours, theirs, self._aims.temperature)
            for role, ours, theirs in zip(self._roles, found, wanted or found, strict=True)
            if role.learned and wanted is not None
        ]
        told = self._by_label(found, labels, smoothing)
        taught = sum(by_teacher[1:], by_teacher[0]) / len(by_teacher) if by_teacher else None
        if taught is None or told is None:
            only = told if taught is None else taught
            assert only is not None
            return only
        return (1 - self._aims.labels) * taught + self._aims.labels * told

    def _by_label(self, found: list[Tensor], labels: Array | None, smoothing: float) -> Tensor | None:
        """Return the loss on the first output that the labels fit."""
        if labels is None:
            return None
        losses = (label_loss(*pair, labels, smoothing) for pair in zip(self._roles, found, strict=True))
        return next((each for each in losses if each is not None), None)

    def _judge(self) -> dict[str, float]:
        """Return the loss on the search rows, and how many classes are the teacher's and the labels'."""
        import torch

        total = torch.zeros(())
        batches = 0
        agreed, right = [0, 0], [0, 0]
        with torch.no_grad():
            for feed, labels, wanted in self._search():
                found = self._students(self._network.tensors(feed, self._context))
                told = labels if self._labelled else None
                total += self._distance(found, wanted if self._aims.labels < 1 else None, told).float()
                batches += 1
                _count(agreed, self._roles, found, wanted)
                if labels is not None and labels.dtype.kind in "iu":
                    _count(right, self._roles, found, [torch.from_numpy(labels)] * len(found))
        figures = {LOSS: float(total) / max(1, batches)}
        counted = {AGREEMENT: agreed, ACCURACY: right}
        return figures | {name: found / of for name, (found, of) in counted.items() if of}

    def _search(self) -> list[tuple[Feed, Array | None, list[Tensor]]]:
        """Return the search rows with the teacher's answers: as many as memory holds and time allows."""
        if self._searched is None:
            self._searched, held, began = [], 0, time.monotonic()
            for feed, labels in _once(self._training, self.lesson.batch):
                wanted = as_tensors(self._answer(feed))
                self._searched.append((feed, labels, wanted))
                held += sum(each.nbytes for each in feed.values()) + sum(each.nbytes for each in wanted)
                if held > MOST_SEARCHED_BYTES or time.monotonic() - began > self._patience_s:
                    break
        return self._searched


def _once(training: Training, batch: int) -> Iterator[tuple[Feed, Array | None]]:
    """Yield the search rows in whole batches: the last one is filled up with rows that came before."""
    rows = training.search
    whole = max(1, rows.samples // batch)
    return islice(rows.batches(min(batch, rows.samples), None), whole)


def _count(counts: list[int], roles: list[OutputRole], found: list[Tensor], wanted: list[Tensor]) -> None:
    """Add the places that have the class wanted, and all, of the first output with classes."""
    pairs = (hits(*each) for each in zip(roles, found, wanted, strict=True))
    same = next((each for each in pairs if each is not None), None)
    if same is not None:
        counts[0] += same[0]
        counts[1] += same[1]
