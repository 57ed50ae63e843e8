"""Runs: request, limits, candidates and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from core.domain.export import Export
from core.domain.measurement import Timing
from core.domain.quality import Accuracy, Evaluation, Fidelity, OtherBatch, Quality
from core.domain.recipe import Recipe
from core.errors import ErrorRecord

DEFAULT_OWNER = "local"
PLANNING = "plan"
"""Stage of an error that refused a candidate before any work."""


class Objective(StrEnum):
    """What a run wants the most of, within the limits."""

    LATENCY = "latency"
    """Shortest median time of one call."""
    THROUGHPUT = "throughput"
    """Most samples per second, at whichever measured batch size gives them."""
    SIZE = "size"
    """Smallest files."""
    MEMORY = "memory"
    """Least memory at its peak."""


class RunStatus(StrEnum):
    """Life of a run. ``paused`` and ``interrupted`` ones go on where they were when they are resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    PAUSED = "paused"

    @property
    def active(self) -> bool:
        """Whether a worker has it or will take it."""
        return self in (RunStatus.QUEUED, RunStatus.RUNNING)


class CandidateStatus(StrEnum):
    """Life of a candidate.

    ``skipped``: not applicable or out of budget, with the reason. ``unmeasured``: built and checked, but
    nothing on this machine runs its format.
    """

    WAITING = "waiting"
    BUILDING = "building"
    MEASURING = "measuring"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNMEASURED = "unmeasured"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in (CandidateStatus.WAITING, CandidateStatus.BUILDING, CandidateStatus.MEASURING)


@dataclass(frozen=True)
class Limits:
    """Constraints on a recommended candidate; None means no limit.

    Attributes:
        max_drop: Accuracy drop in percentage points; without labels, top-1 disagreement in points; without
            classes, the error's power in percent of what the outputs vary.
        max_latency_ms: Median latency.
        max_size_bytes: Size of the artifact.
        max_memory_bytes: Peak memory above the empty runtime.
        min_throughput: Samples per second, at whichever measured batch size gives the most.
    """

    max_drop: float | None = 1.0
    max_latency_ms: float | None = None
    max_size_bytes: int | None = None
    max_memory_bytes: int | None = None
    min_throughput: float | None = None


@dataclass(frozen=True)
class RunRequest:
    """Request of a run: model, data, preset or recipes, limits, budget.

    Attributes:
        model_id: Source model in the store.
        data_id: Data set in the store; None means random inputs, fidelity only.
        preset: ``quick``, ``balanced`` or ``thorough``; ignored where `recipes` are given.
        recipes: Recipes chosen by hand.
        metric: Id of the metric for the labels; empty takes the task's.
        strategy: Id of the search strategy; empty proposes `recipes`, or without any those of the preset.
        strategy_params: Values of the strategy's `Params` that differ from its defaults.
        runtimes: Runtimes to consider; empty means all that are available.
        limits: What the recommendation must respect.
        budget_s: Seconds from the click to the answer, waiting for other runs aside; None means no limit.
        threads: Threads of every runtime.
        batch: Samples per call for the latency figures.
        seed: Of calibration, bootstrap and random inputs.
        executor: Who builds and measures; empty means the one that WHETSTONE_EXECUTOR names.
        measure_on: Kinds of machine to measure everything on, each against the baseline on the same kind;
            empty leaves the choice of one to the executor.
        objective: What to look for the most of within the limits.
        exports: What the first of `recipes` are exports to, one for each; empty in other runs.
    """

    model_id: str
    data_id: str | None = None
    preset: str = "quick"
    recipes: tuple[Recipe, ...] = ()
    runtimes: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    budget_s: float | None = None
    threads: int = 1
    batch: int = 1
    seed: int = 0
    metric: str = ""
    strategy: str = ""
    strategy_params: dict[str, Any] = field(default_factory=dict)
    executor: str = ""
    measure_on: tuple[str, ...] = ()
    objective: Objective = Objective.LATENCY
    exports: tuple[Export, ...] = ()

    def exported(self, recipe: Recipe) -> tuple[Export, ...]:
        """Return what `recipe` is an export to; nothing where it is none."""
        pairs = zip(self.exports, self.recipes, strict=False)
        return tuple(export for export, each in pairs if each == recipe.on(""))

    def by_hand(self, recipes: Sequence[Recipe]) -> RunRequest:
        """Return the same request for these recipes alone; those that are exports stay so, and come first."""
        pairs = sorted(((self.exported(each)[:1], each) for each in recipes), key=lambda pair: not pair[0])
        exports = tuple(export for found, _ in pairs for export in found)
        chosen = tuple(recipe for _, recipe in pairs)
        return replace(self, recipes=chosen, exports=exports, strategy="", strategy_params={})


@dataclass(frozen=True)
class Result:
    """Measurements of a candidate; accuracy and fidelity are those on the test rows.

    Attributes:
        timing: From the stopwatch.
        accuracy: None without labels.
        fidelity: Agreement with the baseline.
        size_bytes: Of the artifact's files.
        search: Quality on the search rows, measured with the same calls; None in a run that does not search,
            where these rows belong to the test.
        undefined: Why the metric has no value on the labels of the test, in a sentence; empty where it has.
        evaluation: How the outputs were computed; None in results of old.
        other_batch: What a call of another batch size gives; None but for exports with a free batch.
    """

    timing: Timing
    accuracy: Accuracy | None
    fidelity: Fidelity
    size_bytes: int
    search: Quality | None = None
    undefined: str = ""
    evaluation: Evaluation | None = None
    other_batch: OtherBatch | None = None

    def for_search(self) -> Result | None:
        """Return what a strategy may see: the quality on the search rows in place of that on the test.

        None where there is none: what comes of the test is not for it.
        """
        if self.search is None:
            return None
        seen = self.search
        return replace(
            self, accuracy=seen.accuracy, fidelity=seen.fidelity, undefined=seen.undefined, search=None
        )


@dataclass(frozen=True)
class Candidate:
    """One recipe in a run, on one kind of machine.

    Attributes:
        id: Hash of run and recipe; stable across resumes.
        position: Order within the run, the same on every kind of machine; 0 is the baseline.
        name: For people, such as ``INT8 static · OpenVINO``.
        stage: What it waits for or what is being done now.
        artifact_id: Built artifact, once there.
        result: Once measured.
        error: Why it failed or was skipped.
    """

    id: str
    run_id: str
    position: int
    name: str
    recipe: Recipe
    status: CandidateStatus = CandidateStatus.WAITING
    stage: str = ""
    artifact_id: str | None = None
    result: Result | None = None
    error: ErrorRecord | None = None

    @property
    def tried(self) -> bool:
        """Whether it counts among the candidates of its run: neither the baseline nor refused by the plan."""
        return self.position > 0 and (self.error is None or self.error.stage != PLANNING)

    @property
    def machine(self) -> str:
        """Kind of machine that measures it; empty where the executor chooses."""
        return self.recipe.target.machine


def of_one_machine(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return `candidates`, whose figures may be compared: they are all of one kind of machine.

    Raises:
        ValueError: They are not.
    """
    kinds = {each.machine for each in candidates}
    if len(kinds) > 1:
        raise ValueError(f"figures of several kinds of machine have no common axis: {sorted(kinds)}")
    return candidates


@dataclass(frozen=True)
class Run:
    """A run in the store; times are UNIX seconds in UTC.

    Attributes:
        revision: Grows with every change of the run or its candidates; caches key on it.
        stage: What the worker does now.
        estimate_s: Expected seconds of work in all: stated before the start, and anew with every step.
        elapsed_s: Seconds worked so far, over all resumes.
        data_id: Data set that it works on: the one asked for, or the random inputs once they are drawn.
        owner: Whose it is; nobody else finds it.
        tags: Words of a person, to find it by.
        notes: What a person wrote down about it.
        imported: Processor that it was measured on, of one that was made elsewhere and imported; else empty.
    """

    id: str
    name: str
    request: RunRequest
    status: RunStatus
    created: float
    started: float | None = None
    finished: float | None = None
    revision: int = 0
    stage: str = ""
    estimate_s: float | None = None
    elapsed_s: float = 0.0
    worker: str | None = None
    heartbeat: float | None = None
    cancel_requested: bool = False
    error: ErrorRecord | None = None
    data_id: str | None = None
    owner: str = DEFAULT_OWNER
    tags: tuple[str, ...] = ()
    notes: str = ""
    imported: str = ""
