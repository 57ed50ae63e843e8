"""Execute a run: baseline first, then candidate after candidate, each kept as soon as it is there."""

from __future__ import annotations

import time
import traceback
from dataclasses import asdict, replace

from core.domain.model import DataSet
from core.domain.run import Candidate, CandidateStatus, Run, RunStatus
from core.engine.building import Builder
from core.engine.jobs import Stop
from core.engine.measuring import Measurer
from core.engine.uploads import add_data
from core.errors import Cancelled, ChildTimeout, ErrorRecord, PassNotApplicable, WhetstoneError
from core.search.estimate import measure_s
from core.store.store import Store

OVER_BUDGET = ErrorRecord(
    "over_budget",
    "The time budget was spent before this candidate's turn.",
    "Give the run a larger budget, or choose fewer techniques.",
    "budget",
)


def _record(error: Exception, stage: str) -> ErrorRecord:
    if isinstance(error, WhetstoneError):
        return error.to_record(stage)
    detail = traceback.format_exception_only(error)[-1].strip()
    return ErrorRecord(
        "internal_error",
        f"Whetstone itself failed here: {detail}.",
        "Please report this with the technical detail; the other candidates go on.",
        stage,
        "".join(traceback.format_exception(error)),
    )


class Execution:
    """One worker's work on one run.

    Args:
        store: Holds the run.
        run: Claimed by `worker`.
        worker: Id of the claiming worker.
        stop: Ends the work early.
    """

    def __init__(self, store: Store, run: Run, worker: str, stop: Stop) -> None:
        self._store, self._run, self._worker, self._stop = store, run, worker, stop
        self._began = time.monotonic()
        self._baseline_s = float("inf")
        self._model = store.models.get(run.request.model_id)

    def run(self) -> RunStatus:
        """Work until all candidates are final, the budget is spent or the run is stopped.

        Raises:
            Cancelled: The run was stopped.
            WhetstoneError: The baseline cannot be measured, so no candidate can be.
        """
        data, seed = self._data(), self._run.request.seed
        self._builder = Builder(self._store, self._model, data, seed, self._stop, self._on_step)
        self._measurer = Measurer(self._store, self._run, self._worker, self._model, data, self._stop)
        candidates = self._store.candidates.list(self._run.id)
        try:
            baseline = self._baseline(candidates[0])
            for candidate in candidates[1:]:
                if not candidate.status.final:
                    self._try(candidate, baseline)
        finally:
            self._measurer.close()
        return RunStatus.DONE

    def _data(self) -> DataSet:
        """Return the data to work on; random inputs are drawn once, and kept as the run's own."""
        if self._run.data_id is not None:
            return self._store.data.get(self._run.data_id)
        self._stage("Preparing random inputs")
        drawn = add_data(self._store, None, self._model, seed=self._run.request.seed)
        self._store.work.set_data(self._run.id, self._worker, drawn.id)
        return drawn

    def _baseline(self, candidate: Candidate) -> Candidate:
        if candidate.status is CandidateStatus.DONE:
            return candidate
        start = time.monotonic()
        try:
            done = self._attempt(candidate, candidate)
        except Cancelled:
            raise
        except Exception as error:
            self._settle(CandidateStatus.FAILED, error)
            raise
        if done.result is not None:
            control = asdict(done.result.timing.speedup)
            self._store.work.set_control(self._run.id, self._worker, control)
        self._baseline_s = time.monotonic() - start
        return done

    def _try(self, candidate: Candidate, baseline: Candidate) -> None:
        self._stop.check()
        self._current = candidate
        if self._left_s() < self._expected_s(candidate):
            self._skip_over_budget()
            return
        try:
            self._attempt(candidate, baseline)
        except (Cancelled, ChildTimeout) as error:
            if self._stop.event.is_set():
                raise
            if self._stop.remaining_s > 0:
                self._settle(CandidateStatus.FAILED, error)
            else:
                self._skip_over_budget()
        except PassNotApplicable as error:
            self._settle(CandidateStatus.SKIPPED, error)
        except Exception as error:
            self._settle(CandidateStatus.FAILED, error)

    def _expected_s(self, candidate: Candidate) -> float:
        """Return the seconds to measure it: no more than the baseline took, which is seldom the faster."""
        expected = measure_s(candidate.recipe, self._model, self._model.format != "onnx")
        return min(expected, self._baseline_s)

    def _attempt(self, candidate: Candidate, baseline: Candidate) -> Candidate:
        self._current = replace(candidate, status=CandidateStatus.BUILDING, stage="build")
        self._measurer.prepare(baseline)
        artifact = self._builder.build(candidate.recipe)
        self._current = replace(
            self._current, status=CandidateStatus.MEASURING, stage="measure", artifact_id=artifact.id
        )
        self._save(self._current)
        self._stage(f"Measuring {candidate.name}")
        result = self._measurer.measure(self._current, artifact, baseline)
        done = replace(self._current, status=CandidateStatus.DONE, stage="", result=result)
        self._save(done)
        self._store.events.append(self._run.id, "measured", done.id, {"speedup": result.timing.speedup.value})
        return done

    def _skip_over_budget(self) -> None:
        self._save(replace(self._current, status=CandidateStatus.SKIPPED, error=OVER_BUDGET, stage=""))

    def _settle(self, status: CandidateStatus, error: Exception) -> None:
        record = _record(error, self._current.stage)
        self._save(replace(self._current, status=status, error=record, stage=""))
        kind = "build_failed" if record.stage != "measure" else "measure_failed"
        self._store.events.append(self._run.id, kind, self._current.id, {"code": record.code})

    def _on_step(self, pass_id: str) -> None:
        self._current = replace(self._current, stage=pass_id)
        self._save(self._current)
        self._stage(f"Building {self._current.name}: {pass_id}")

    def _left_s(self) -> float:
        budget = self._run.request.budget_s
        if budget is None:
            return float("inf")
        return budget - self._run.elapsed_s - (time.monotonic() - self._began)

    def _stage(self, stage: str) -> None:
        self._store.work.set_stage(self._run.id, self._worker, stage)

    def _save(self, candidate: Candidate) -> None:
        self._store.candidates.save(candidate, self._worker)


def execute(store: Store, run: Run, worker: str, stop: Stop) -> None:
    """Execute a claimed run to its end, whatever that end is.

    Args:
        store: Holds the run.
        run: As `claim` returned it.
        worker: Id of the claiming worker.
        stop: Ends the work early, by cancellation or deadline.
    """
    try:
        status, error = Execution(store, run, worker, stop).run(), None
    except Cancelled:
        status, error = RunStatus.CANCELLED, None
    except Exception as problem:
        status, error = RunStatus.FAILED, _record(problem, "baseline")
    store.work.finish(run.id, worker, status, error)
