"""Measure one candidate of a run against its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from core.bench.measure import CALLS, DATA, OURS, REFERENCE, THEIRS, TIMED, Measured, MeasureRequest
from core.bench.measure import UNIT as MEASURE
from core.bench.quality.faithfulness import require_faithful
from core.bench.quality.predictions import is_prediction
from core.bench.timing.between_process import Spread
from core.bench.timing.interleaving import MeasurementPlan
from core.bench.timing.moments import known_spread, widened_timing
from core.datasets.build import RANDOM
from core.datasets.splits import FOR_EVALUATION
from core.domain.export import ExportPrecision
from core.domain.measurement import Environment
from core.domain.model import DataSet, FileRef, SourceModel
from core.domain.quality import Quality
from core.domain.recipe import Artifact, Recipe
from core.domain.run import Candidate, Result, Run
from core.engine.accuracy_details import keep_detail
from core.engine.building import parts_of, source_artifact
from core.engine.executors import local
from core.engine.live import LiveReport
from core.engine.standby import Standby
from core.errors import RuntimeFailed
from core.machine.environment import usable_cores
from core.metrics.choice import chosen, labelled_output
from core.registry import get_pass
from core.store.store import Store
from core.work.executor import Executor
from core.work.stop import Stop
from core.work.unit import Progress, WorkResult, unheard

GOLDEN = "golden.npz"
BESIDE_S = 2.0
"""What another process takes from the outputs beside which it starts."""
OTHER_BATCHES = (3, 2)
"""Rows of the second call that exports are compared at: the first that is not the target's batch."""


class Measurer:
    """Measures the candidates of one run.

    Args:
        store: Keeps predictions and golden samples beside the results.
        run: Whose request holds threads, batch and seed.
        worker: Id of the worker that holds the run.
        model: The source model.
        data: Evaluation data.
        stop: Ends a measurement early.
        searching: Whether the search rows are a strategy's, and no part of the test.
        executor: Who measures; this machine if not given.
        on_progress: Told in words what a measurement does or waits for.

    Attributes:
        round_s: Seconds that a round of the last measurement took by the clock.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        worker: str,
        model: SourceModel,
        data: DataSet,
        stop: Stop,
        searching: bool = False,
        executor: Executor | None = None,
        on_progress: Callable[[Progress], None] = unheard,
    ) -> None:
        self._store, self._run, self._worker = store, run, worker
        self._model, self._data, self._stop = model, data, stop
        self._searching, self._executor = searching, executor or local(store)
        self._on_progress = on_progress
        self._standby: Standby | None = None
        self._used: Standby | None = None
        self.round_s = 0.0

    def prepare(self, baseline: Candidate) -> None:
        """Start the baseline's process for the next measurement, while its candidate is being built."""
        if self._standby is None and self._executor.here:
            self._standby = Standby(self._store, self._model, self._data, baseline, self._stop)

    def close(self) -> None:
        """End the process that waits, if any."""
        for each in (self._standby, self._used):
            if each is not None:
                each.close()
        self._standby = self._used = None

    def measure(
        self,
        candidate: Candidate,
        artifact: Artifact,
        baseline: Candidate,
        plan: MeasurementPlan,
        last: bool = True,
    ) -> Result:
        """Return all figures of `candidate`; the baseline itself is measured against itself.

        Args:
            candidate: What is measured.
            artifact: What was built of it.
            baseline: What it is held against.
            plan: How exactly.
            last: Whether nothing is measured after it; else the baseline's next process starts as soon as
                nothing of this measurement is timed any more, unless the time for the rest is short.

        Raises:
            RuntimeFailed: The runtime refuses the artifact, or its outputs are not finite.
            OutOfTolerance: An export computes something else than the original.
            Cancelled: The run was stopped, or the time is over.
        """
        done = self._measured(candidate, artifact, baseline, plan, last)
        golden, *predictions = done.files
        self._keep(candidate, [replace(golden, name=GOLDEN), *predictions])
        found, drawn = done.values, self._data.origin == RANDOM
        if found.detail is not None:
            self._keep(candidate, [keep_detail(self._store, found.detail)])
        blind = drawn and _fitted(candidate.recipe)
        timing, self.round_s = found.timing, found.round_s
        if baseline.result is not None:
            first = baseline.result.timing
            _check_axis(timing.environment, first.environment)
            timing = widened_timing(timing, first.speedup, first)
        test, precision = _told(found.test, drawn, blind), self._precision(candidate)
        if precision is not None:
            require_faithful(precision, test.fidelity, found.other_batch)
        search = found.search and _told(found.search, drawn, blind)
        return Result(
            timing,
            test.accuracy,
            test.fidelity,
            artifact.size_bytes,
            search,
            test.undefined,
            found.evaluation,
            found.other_batch,
        )

    def _precision(self, candidate: Candidate) -> ExportPrecision | None:
        """Return the precision of an export; None for other candidates and for the baseline."""
        exports = self._run.request.exported(candidate.recipe) if candidate.position else ()
        return exports[0].precision if exports else None

    def _measured(
        self,
        candidate: Candidate,
        artifact: Artifact,
        baseline: Candidate,
        plan: MeasurementPlan,
        last: bool,
    ) -> WorkResult[Measured]:
        source, request = source_artifact(self._model), self._run.request
        inputs = {
            OURS: artifact.files,
            THEIRS: source.files,
            DATA: parts_of(self._data, FOR_EVALUATION),
        }
        if candidate.id != baseline.id:
            kept = self._store.results.list(baseline.id)
            inputs[REFERENCE] = tuple(file for file in kept if is_prediction(file.name))
        metric = chosen(request.metric, self._model, self._data)
        asked = MeasureRequest(
            model=self._model,
            candidate=artifact,
            target=candidate.recipe.target,
            baseline=source,
            baseline_target=baseline.recipe.target,
            plan=plan,
            judged=labelled_output(self._model, self._data),
            metric=metric.id if metric else "",
            samples=self._data.evaluation_samples,
            test=self._data.test_samples(self._searching),
            known=self._known_spread(candidate.machine),
            waiting=self._taken(),
            # Random inputs are few, and what they show is not sure.
            max_drop=None if self._data.origin == RANDOM else request.limits.max_drop,
            other_batch=self._other_batch(candidate),
        )
        on = {"cores": request.threads, "machine": candidate.machine}
        unit = MEASURE.unit(asked, inputs=inputs, seed=request.seed, alone=True, **on)
        report = LiveReport(self._store, self._run.id, self._worker, candidate.id, request.threads)
        side_by_side = max(1, usable_cores() // request.threads) * candidate.recipe.target.batch
        calls, made = list[float](), self._data.evaluation_samples / side_by_side

        def heard(said: Progress) -> None:
            calls.extend(_calls(said))
            report.add(_calls(said))
            if said.message:
                self._on_progress(said)
            if said.message == TIMED and not last and _spare_time(plan, calls, made):
                self.prepare(baseline)

        try:
            with report:
                return self._executor.run(unit, self._stop, heard)
        finally:
            if self._used is not None:
                self._used.close()
                self._used = None

    def _other_batch(self, candidate: Candidate) -> int | None:
        """Return the second batch size to compare an export at; None where it has but one."""
        if self._precision(candidate) is None or self._model.fixed_batch is not None:
            return None
        return next(each for each in OTHER_BATCHES if each != candidate.recipe.target.batch)

    def _taken(self) -> str:
        """Return the name that the process which waits goes by, now that it is used; empty without one."""
        self._used, self._standby = self._standby, None
        return self._used.offered() if self._used else ""

    def _keep(self, candidate: Candidate, files: list[FileRef]) -> None:
        for file in files:
            plain = replace(file, name=file.name.rpartition("/")[2])
            self._store.results.refer(candidate.id, plain, self._worker)

    def _known_spread(self, machine: str) -> Spread | None:
        """Return the spread between process starts seen on this kind of machine; None before a result."""
        rows = self._store.candidates.list(self._run.id)
        results = [each.result for each in rows if each.machine == machine]
        timings = [result.timing for result in results if result is not None]
        return known_spread(timings) if timings else None


def _spare_time(plan: MeasurementPlan, calls_ms: Sequence[float], made: float) -> bool:
    """Whether what starts beside the outputs costs none of these: their time is not limited, or is ample.

    Args:
        plan: Has the limit.
        calls_ms: Of the calls that were timed.
        made: Calls of that kind that each core makes for all rows; of larger ones it makes fewer.
    """
    if plan.predict_seconds is None or not calls_ms:
        return plan.predict_seconds is None
    return made * median(calls_ms) / 1000 + BESIDE_S < plan.predict_seconds


def _check_axis(ours: Environment, baselines: Environment) -> None:
    """Refuse figures of another machine than the baseline's, as after a move in the middle of a run."""
    if ours.hardware != baselines.hardware:
        raise RuntimeFailed(
            f"It was measured on {ours.cpu}, and the baseline of this run on {baselines.cpu}; figures of two "
            "kinds of machine cannot be compared.",
            hint="Start a new run on this machine, or one that names both kinds with --measure-on.",
        )


def _calls(said: Progress) -> list[float]:
    found = said.figures.get(CALLS, [])
    return found if isinstance(found, list) else [found]


def _told(said: Quality, drawn: bool, blind: bool) -> Quality:
    """Return a quality that says whether the inputs were drawn, and the candidate fitted to such."""
    return replace(said, fidelity=replace(said.fidelity, random=drawn, blind=blind))


def _fitted(recipe: Recipe) -> bool:
    return any(get_pass(step.pass_id).fits for step in recipe.steps)
