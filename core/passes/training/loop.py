"""Training loop: sized to the time there is, best weights kept, state on disk, never worse than it began.

Weights are judged by the search rows now and then, those it began with first. Where the loss explodes it goes
back to the best weights and on more slowly.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import inf, isfinite
from typing import Any

from core.passes.training import checkpoint
from core.passes.training.average import average
from core.passes.training.checkpoint import Course
from core.passes.training.effort import Effort
from core.passes.training.lesson import LOSS, Figures, Lesson
from core.passes.training.network import Network, State
from core.passes.training.schedule import Pace, Threads, optimizer, share
from core.protocols import Array, Feed, Training

JUDGED_LEAST, JUDGED_MOST, JUDGED_SHARE = 4, 16, 0.1
"""How often weights are judged, and the share of the time that this may take."""
JUDGED_LAST = 2
"""Judgements behind the last step: of its weights, and of their average."""
FIRST_STEPS = 4
"""Steps after which the others are planned, once their time is known."""
CLIP = 2.0
EXPLODED, EXPLODED_LEAST, SLOWER, MOST_RESTARTS = 3.0, 1.0, 0.3, 4
"""A loss beyond so many times the first, and beyond that of having learned nothing, has exploded."""
SAVE_EVERY_S, SAVED_SHARE = 3.0, 0.03
FINISH_S, LONG_S = 0.5, 3600.0
SMOOTH = 0.9
MOST_PASSES, ENOUGH_STEPS = 300, 3000
"""Passes over the rows after which more teach nothing, unless these are few steps."""
RATE = "learning_rate"
"""Detail by which a training that goes on knows how fast the one before it learned."""
ENOUGH = 0.9
"""Share of its time after which a training is whole: steps come in one piece."""


class Fitting:
    """One training of one network, from its checkpoint if there is one."""

    def __init__(
        self, network: Network, lesson: Lesson, training: Training, effort: Effort, threads: int
    ) -> None:
        self._threads = Threads(threads, fixed=effort.steps > 0)
        self._network, self._lesson, self._training, self._effort = network, lesson, training, effort
        self._optimizer = optimizer(network, lesson.norms, effort.rate)
        self._rate = float(self._optimizer.param_groups[0]["lr"])
        self._course, self._pace = Course(), Pace()
        self._best: State = {}
        self._average: State = {}
        self._latest: Figures = {}
        self._loss: float | None = None
        self._broken, self._due, self._reviewed = False, 0, 0
        self._most = max(ENOUGH_STEPS, MOST_PASSES * self._passing)
        self._began = self._saved = time.monotonic()

    @property
    def _passing(self) -> int:
        """Steps of one pass over the rows."""
        return max(1, -(-self._training.rows.samples // self._lesson.batch))

    def run(self) -> dict[str, Any]:
        """Train; the network then holds the best weights and infers. Return what was done."""
        began_at = self._resume()
        course = self._course
        if course.first:
            self._latest = course.best
        else:
            course.first = course.best = self._latest = self._lesson.begin(self._judged)
            self._best, self._average = self._network.state(), self._network.state()
            self._save()
        batches = self._batches()
        self._plan()
        while course.step < course.steps and self._left_s() > 0:
            self._step(*next(batches))
            self._tell()
            if self._broken or course.step >= min(self._due, course.steps):
                self._review()
                self._plan()
            elif course.step == began_at + FIRST_STEPS:
                self._plan()
            self._save_now_and_then()
        if course.step > began_at and self._training.seconds_left() > 0:
            self._finish()
        self._save()
        self._network.load(self._best)
        self._network.infer()
        return self._told(began_at)

    def _resume(self) -> int:
        """Go on from the checkpoint, if there is one; return the steps done before."""
        found = checkpoint.load(self._training.checkpoints)
        if found is not None:
            self._course, state = found
            self._network.load(state["weights"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._best, self._average = state["best"], state["average"]
        return self._course.step

    def _step(self, feed: Feed, labels: Array | None) -> None:
        import torch

        course, began = self._course, time.monotonic()
        if torch.get_num_threads() != self._threads.count:
            torch.set_num_threads(self._threads.count)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * course.slowdown * share(course.step, course.steps)
        self._network.learn(self._lesson.norms)
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._lesson.loss(feed, labels, course.step)
        value = float(loss.detach())
        if isfinite(value):
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self._network.parameters, CLIP)
            if bool(torch.isfinite(norm)):
                self._optimizer.step()
        course.step += 1
        average(self._average, self._network, course.step, course.steps)
        self._broken = not isfinite(value)
        self._loss = value if self._loss is None else SMOOTH * self._loss + (1 - SMOOTH) * value
        seconds = time.monotonic() - began
        self._pace.step(seconds)
        self._threads.took(seconds)

    def _batches(self) -> Iterator[tuple[Feed, Array | None]]:
        """Yield batches from the current step on, each pass over the rows in an order of its own."""
        rows, batch = self._training.rows, self._lesson.batch
        epoch, skipped = divmod(self._course.step, self._passing)
        while True:
            for number, found in enumerate(rows.batches(batch, self._effort.seed + epoch)):
                if number >= skipped:
                    yield found
            epoch, skipped = epoch + 1, 0

    def _judged(self) -> Figures:
        began = time.monotonic()
        self._network.infer()
        found = self._lesson.judge()
        self._pace.judging_s = time.monotonic() - began
        return found

    def _review(self) -> None:
        """Judge the weights: keep the best, and go back to them where the loss exploded."""
        course = self._course
        found, self._reviewed = self._keep_better(), course.step
        if not found <= max(EXPLODED * course.first[LOSS], EXPLODED_LEAST):
            course.restarts += 1
            course.slowdown *= SLOWER
            if course.restarts > MOST_RESTARTS:
                course.steps = course.step
            self._network.load(self._best)
            self._average = self._network.state()
            self._optimizer.state.clear()
            self._loss, self._broken = None, False
        self._tell()

    def _finish(self) -> None:
        """Judge what was not judged yet: the last weights, and the average of those before."""
        if self._reviewed < self._course.step:
            self._review()
        latest = self._network.state()
        self._network.load(self._average)
        self._keep_better()
        self._network.load(latest)
        self._tell()

    def _keep_better(self) -> float:
        """Judge the weights, keep them where they are the best so far, and return their loss."""
        course, self._latest = self._course, self._judged()
        found = inf if self._broken else self._latest[LOSS]
        if found < course.best[LOSS]:
            course.best, course.best_step, self._best = self._latest, course.step, self._network.state()
        return found

    def _tell(self) -> None:
        told = {} if self._loss is None else {"loss": self._loss}
        self._training.report(self._course.step, self._course.steps, told | self._latest)

    def _left_s(self) -> float:
        """Return the seconds that its steps may still take."""
        course, now = self._course, time.monotonic()
        course.seconds += now - self._began
        self._began = now
        last = FINISH_S + JUDGED_LAST * self._pace.judging_s + self._pace.saving_s
        deadline = self._training.seconds_left() - last
        return deadline if self._effort.steps else min(deadline, self._effort.seconds - course.seconds)

    def _plan(self) -> None:
        """Plan the steps to the time that is left, and when the weights are judged next."""
        course, left = self._course, max(self._left_s(), 0.0)
        if course.restarts > MOST_RESTARTS:
            return
        if self._effort.steps:
            course.steps = self._effort.steps
            self._due = course.step + max(1, course.steps // JUDGED_MOST)
            return
        if not self._pace.known:
            course.steps = max(course.steps, course.step + 10 * FIRST_STEPS)
            self._due = course.step + 5 * FIRST_STEPS
            return
        total = left + course.seconds
        judgements = self._pace.judgements(min(total, LONG_S), JUDGED_LEAST, JUDGED_MOST, JUDGED_SHARE)
        coming = max(1, round(judgements * left / max(total, 1e-9)))
        course.steps = min(self._most, course.step + self._pace.fitting(left, coming))
        self._due = course.step + max(1, (course.steps - course.step) // coming)

    def _save_now_and_then(self) -> None:
        since = time.monotonic() - self._saved
        if since > max(SAVE_EVERY_S, self._pace.saving_s / SAVED_SHARE):
            self._save()

    def _save(self) -> None:
        began = time.monotonic()
        states = {"weights": self._network.state(), "best": self._best, "average": self._average}
        checkpoint.save(self._training.checkpoints, self._course, states, self._optimizer)
        self._saved = time.monotonic()
        self._pace.saving_s = self._saved - began

    def _told(self, began_at: int) -> dict[str, Any]:
        course, effort = self._course, self._effort
        whole = course.step >= (effort.steps or self._most) or (
            not effort.steps and course.seconds >= ENOUGH * effort.seconds
        )
        return {
            "complete": whole or course.restarts > MOST_RESTARTS,
            "began_at": began_at,
            "steps": course.step,
            "best_step": course.best_step,
            "seconds": round(course.seconds, 1),
            "before": {name: round(value, 6) for name, value in course.first.items()},
            "after": {name: round(value, 6) for name, value in course.best.items()},
            "rows": [self._training.rows.samples, self._training.search.samples],
            "batch": self._lesson.batch,
            "optimizer": type(self._optimizer).__name__,
            RATE: self._rate * course.slowdown,
            "restarts": course.restarts,
        }
