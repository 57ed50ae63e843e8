"""Run view with progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from core.domain.events import Event, EventKind, training_now
from core.domain.measurement import Interval
from core.domain.model import DETECTION, DataSet, SourceModel
from core.domain.quality import Scale
from core.domain.run import Candidate, CandidateStatus, Limits, Run, RunStatus
from core.errors import NotFound
from core.insights.recommendation import Recommendation, recommend
from core.metrics.choice import chosen, fitting, scale_of
from core.search.proposals import most_more
from core.store.store import Store
from core.views.cache import cached
from core.views.rows import Row, rows


@dataclass(frozen=True)
class Progress:
    """Progress of a run.

    Attributes:
        done: Candidates that are final; like all counts without the baseline and what the plan refused.
        total: Candidates that are tried, as far as they are known.
        more: Candidates that the strategy of an active run may still add at most.
        failed: Candidates that ended without figures: failed, or skipped by the budget.
        elapsed_s: Seconds worked so far.
        remaining_s: Expected seconds to go, with those of the runs ahead; None when nothing is going on.
        stage: What the worker does now.
    """

    done: int
    total: int
    failed: int
    elapsed_s: float
    remaining_s: float | None
    stage: str
    more: int = 0


Quality = Literal["accuracy", "agreement", "signal"]


def expected_quality(model: SourceModel, data: DataSet | None) -> Quality:
    """Return by what the quality of `model`'s candidates will be judged on `data`.

    ``accuracy`` needs labels, by whatever metric; ``agreement`` classes; else it is the ``signal``: how much
    of the outputs' power is no error.
    """
    if fitting(model, data):
        return "accuracy"
    if model.task == DETECTION:
        return "agreement"
    return "agreement" if model.classes_judged(data is not None and data.labelled) else "signal"


def expected_scale(model: SourceModel, data: DataSet | None, metric: str = "") -> Scale:
    """Return how the accuracy of `model`'s candidates on `data` will be read, by `metric` or the task's."""
    found = chosen(metric, model, data) if metric else next(iter(fitting(model, data)), None)
    return Scale() if found is None else scale_of(found)


@dataclass(frozen=True)
class RunView:
    """Everything of one run on one kind of machine, judged under some limits.

    Attributes:
        candidates: Those that are measured on this kind of machine, the only ones that share its axes.
        progress: Of the whole run.
        machine: The kind of machine; empty where the executor chose it.
        others: The same run on its other kinds of machine, in the order of the request.
        events: Of the whole run.
    """

    run: Run
    model: SourceModel
    data: DataSet | None
    candidates: tuple[Row, ...]
    recommendation: Recommendation
    progress: Progress
    events: tuple[Event, ...] = ()
    limits: Limits = field(default_factory=Limits)
    machine: str = ""
    others: tuple[RunView, ...] = ()

    @property
    def each(self) -> tuple[RunView, ...]:
        """The run on each kind of machine, in the order of the request."""
        kinds = self.run.request.measure_on
        return tuple(sorted((self, *self.others), key=lambda view: kinds.index(view.machine) if kinds else 0))

    @property
    def pausing(self) -> bool:
        """Whether it rests after the step that is going on."""
        kinds = [each.kind for each in self.events if each.kind in (EventKind.PAUSING, EventKind.RESUMED)]
        return self.run.status is RunStatus.RUNNING and kinds[-1:] == [EventKind.PAUSING]

    @property
    def trains(self) -> bool:
        """Whether a technique trains now that can be asked to end."""
        running = self.run.status is RunStatus.RUNNING and not self.run.cancel_requested
        return running and training_now(self.events)

    @property
    def control(self) -> Interval | None:
        """Speed-up of the baseline against itself (A/A), once measured."""
        return self.baseline.speedup

    @cached_property
    def quality(self) -> Quality:
        """By what quality is judged: what was measured or, before that, what is to be expected."""
        results = [row.candidate.result for row in self.candidates if row.candidate.result is not None]
        if not results:
            return expected_quality(self.model, self.data)
        if any(result.accuracy is not None for result in results):
            return "accuracy"
        agree = any(result.fidelity.top1_agreement is not None for result in results)
        return "agreement" if agree else "signal"

    @cached_property
    def scale(self) -> Scale:
        """How accuracy is read: by the metric that was measured or, before that, the one to be expected."""
        known = [row.scale for row in self.candidates if row.accuracy is not None]
        return known[0] if known else expected_scale(self.model, self.data, self.run.request.metric)

    @property
    def baseline(self) -> Row:
        """The row everything is measured against."""
        return self.candidates[0]

    def find(self, candidate_id: str | None) -> Row | None:
        """Return the row of a candidate, or None."""
        return next((each for each in self.candidates if each.id == candidate_id), None)


def _elapsed(run: Run) -> float:
    """Return the seconds worked on, counting on between heartbeats."""
    if run.status is RunStatus.RUNNING and run.heartbeat is not None:
        return run.elapsed_s + max(0.0, min(time.time() - run.heartbeat, 10.0))
    return run.elapsed_s


def _left(run: Run) -> float:
    """Return the expected seconds to go: the worker states its estimate anew with every step."""
    return max(0.0, (run.estimate_s or 0.0) - _elapsed(run))


def _progress(store: Store, run: Run, candidates: Sequence[Candidate]) -> Progress:
    tried = [each for each in candidates if each.tried]
    final = sum(each.status.final for each in tried)
    failed = sum(each.status in (CandidateStatus.FAILED, CandidateStatus.SKIPPED) for each in tried)
    remaining, more = None, 0
    if run.status.active:
        more = most_more(run.request) - sum(each.kind is EventKind.PROPOSED for each in events_of(store, run))
        more *= len(run.request.measure_on) or 1
        ahead = store.runs.ahead_of(run) if run.status is RunStatus.QUEUED else ()
        remaining = _left(run) + sum(map(_left, ahead))
    return Progress(final, len(tried), failed, _elapsed(run), remaining, run.stage, max(0, more))


def run_view(
    store: Store, run_id: str, limits: Limits | Callable[[Run], Limits] | None = None, machine: str = ""
) -> RunView:
    """Return a run under `limits` on the kind `machine`.

    Args:
        store: Holds it.
        run_id: Which run.
        limits: To judge it by, or what returns them for the run; by default those it was started with.
        machine: Kind of machine; by default, or where the run was not measured on it, the first one.

    Raises:
        NotFound: There is no such run.
    """
    run = store.runs.get(run_id)
    held = limits(run) if callable(limits) else limits or run.request.limits
    data = store.data.get(run.request.data_id) if run.request.data_id else None
    model, events = store.models.get(run.request.model_id), events_of(store, run)
    progress = _progress(store, run, candidates_of(store, run))

    def on(kind: str) -> RunView:
        advice, judged = _judged(store, run, held, kind)
        return RunView(run, model, data, judged, advice, progress, events, held, kind)

    kinds = run.request.measure_on or ("",)
    chosen = machine if machine in kinds else kinds[0]
    return replace(on(chosen), others=tuple(on(kind) for kind in kinds if kind != chosen))


def refreshed(store: Store, view: RunView) -> RunView:
    """Return `view` with its run and its time as they are now; rows and counts stay those of its revision.

    Raises:
        NotFound: The run was deleted.
    """
    run = store.runs.get(view.run.id)
    rows = [row.candidate for each in view.each for row in each.candidates]
    return replace(view, run=run, progress=_progress(store, run, rows))


def candidates_of(store: Store, run: Run) -> tuple[Candidate, ...]:
    """Return the candidates of a run as of its revision, decoded once."""
    return cached(store).large.get(
        ("candidates", run.id), run.revision, lambda: store.candidates.list(run.id)
    )


def candidates_on(store: Store, run: Run, machine: str) -> tuple[Candidate, ...]:
    """Return the candidates of a run on one kind of machine, its baseline first."""
    return tuple(each for each in candidates_of(store, run) if each.machine == machine)


def events_of(store: Store, run: Run) -> tuple[Event, ...]:
    """Return the events of a run as of its revision, read once."""
    return cached(store).small.get(("events", run.id), run.revision, lambda: store.events.since(run.id))


def _judged(store: Store, run: Run, limits: Limits, machine: str) -> tuple[Recommendation, tuple[Row, ...]]:
    """Return the recommendation and the rows under `limits`, worked out once for each revision."""

    def judge() -> tuple[Recommendation, tuple[Row, ...]]:
        candidates = candidates_on(store, run, machine)
        objective = run.request.objective
        advice = recommend(candidates, limits, objective)
        made = rows(candidates, limits, advice, objective)
        return advice, tuple(replace(each, size_bytes=_size(store, each)) for each in made)

    return cached(store).large.get(("rows", run.id, machine, limits), run.revision, judge)


def _size(store: Store, row: Row) -> int | None:
    """Return the bytes of a candidate's files, also where it was built and nothing here measures it."""
    if row.candidate.status is not CandidateStatus.UNMEASURED or row.candidate.artifact_id is None:
        return row.size_bytes
    with suppress(NotFound):
        return store.artifacts.get(row.candidate.artifact_id).size_bytes
    return None
