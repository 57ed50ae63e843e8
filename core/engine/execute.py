"""Execute a run: baseline first, then candidate after candidate, each kept as soon as it is there."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from core.bench.timing.interleaving import MeasurementPlan
from core.domain.events import EventKind
from core.domain.model import DataSet
from core.domain.recipe import Artifact, Recipe
from core.domain.run import Candidate, CandidateStatus, Run, RunStatus
from core.engine.building import Builder
from core.engine.executors import executor
from core.engine.final_heat import run_final_heat
from core.engine.measuring import PLANS, Measurer
from core.engine.pacing import Pacing, random_samples
from core.engine.proposing import Proposer
from core.engine.record import Record, error_record, over_budget
from core.engine.uploads import add_data
from core.errors import Cancelled, ChildTimeout, MeasuredElsewhere, PassNotApplicable
from core.insights.recommendation import contenders
from core.protocols import Trainer
from core.registry import get_format, get_runtime, passes
from core.search.costs import BuildCosts
from core.search.estimate import Forecast
from core.store.store import Store
from core.work.local import LEAST_STEP_S
from core.work.stop import Stop
from core.work.unit import Progress

TELL_EVERY_S = 1.0
NO_TURN = "The time budget was spent before this candidate's turn."


def _require_runtime(recipe: Recipe, artifact: Artifact) -> None:
    runtime = get_runtime(recipe.target.runtime_id)
    found = runtime.available()
    if not found.ok:
        raise MeasuredElsewhere(
            f"Built as {get_format(artifact.format).name} and checked, but not measured: {runtime.name} "
            f"is not available here. {found.reason}",
            hint=found.install or "Download the model and measure it where it will run.",
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
        self._began, self._record = time.monotonic(), Record(store, run.id)
        self._cached: list[str] = []
        self._model = store.models.get(run.request.model_id)
        self._candidates = {each.id: each for each in store.candidates.list(run.id)}
        plan = PLANS.get(run.request.preset, PLANS["balanced"])
        forecast = Forecast(self._model, BuildCosts(store.events.builds()))
        self._pacing = Pacing(stop, forecast, plan, list(self._candidates.values()))
        self._proposer = Proposer(store, run, self._model)
        self._executor = executor(store, run.request.executor)
        self._told = 0.0

    def run(self) -> RunStatus:
        """Work until all candidates are final, the budget is spent or the run is stopped.

        Raises:
            Cancelled: The run was stopped.
            WhetstoneError: The baseline cannot be measured, so no candidate can be.
        """
        data, seed = self._data(), self._run.request.seed
        store, stop, model, doer = self._store, self._stop, self._model, self._executor
        told = (self._on_step, self._on_built, doer, self._on_progress)
        self._builder = Builder(store, model, data, seed, stop, *told)
        searching = self._proposer.searching or any(map(_trains, self._candidates.values()))
        self._measurer = Measurer(store, self._run, self._worker, model, data, stop, searching, doer)
        self._record.began(list(self._candidates.values()))
        try:
            baseline = self._baseline(next(iter(self._candidates.values())))
            while (candidate := self._next(data)) is not None:
                self._try(candidate, baseline)
            self._heat(data)
        finally:
            self._measurer.close()
        return RunStatus.DONE

    @property
    def _waiting(self) -> list[Recipe]:
        return [each.recipe for each in self._candidates.values() if not each.status.final]

    def _next(self, data: DataSet) -> Candidate | None:
        """Return what to try next: what waits or, where nothing does, what the strategy proposes now."""
        while True:
            candidates = list(self._candidates.values())
            waiting = next((each for each in candidates if not each.status.final), None)
            self._stop.check()
            proposed = self._proposer.next(candidates, data) if waiting is None else None
            # What would get no turn is not added: the run has ended by then.
            if proposed is None or self._pacing.candidate([proposed.recipe]) is None:
                return waiting
            self._save(proposed)
            self._proposer.added(proposed)

    def _data(self) -> DataSet:
        """Return the data to work on; random inputs are drawn once, and kept as the run's own."""
        if self._run.data_id is not None:
            return self._store.data.get(self._run.data_id)
        self._stage("Preparing random inputs")
        samples, seed = random_samples(self._model, self._run.request.budget_s), self._run.request.seed
        drawn = add_data(self._store, None, self._model, {"seed": seed, **samples}, seed=seed)
        self._store.work.set_data(self._run.id, self._worker, drawn.id)
        return drawn

    def _baseline(self, candidate: Candidate) -> Candidate:
        if candidate.status is CandidateStatus.DONE:
            return candidate
        share = self._pacing.baseline(self._waiting, self._proposer.further)
        try:
            with self._stop.until(share.deadline):
                done = self._attempt(candidate, candidate, share.plan)
        except Cancelled as error:
            self._stop.check()
            raise ChildTimeout(
                "The time budget was over before your model itself was measured.",
                hint="Give the run a larger budget.",
            ) from error
        except Exception as error:
            self._settle(CandidateStatus.FAILED, error)
            raise
        self._control(done)
        return done

    def _try(self, candidate: Candidate, baseline: Candidate) -> None:
        self._stop.check()
        self._current = candidate
        share = self._pacing.candidate(self._waiting, self._proposer.further)
        if share is None:
            self._skip(NO_TURN)
            return
        with self._stop.until(share.deadline):
            try:
                self._attempt(candidate, baseline, share.plan)
            except (Cancelled, ChildTimeout) as error:
                self._stop.check()
                if self._stop.remaining_s > LEAST_STEP_S:
                    self._settle(CandidateStatus.FAILED, error)
                else:
                    self._skip(f"It was {self._doing} when {share.limit} was over.")
            except MeasuredElsewhere as error:
                self._settle(CandidateStatus.UNMEASURED, error)
            except PassNotApplicable as error:
                self._settle(CandidateStatus.SKIPPED, error)
            except Exception as error:
                self._settle(CandidateStatus.FAILED, error)

    def _heat(self, data: DataSet) -> None:
        """Hold the baseline and the best candidates against each other, once, before any is recommended."""
        rows, share = list(self._candidates.values()), self._pacing.heat()
        done = self._record.has(EventKind.HEAT)
        best = contenders(rows, self._run.request.limits, share.most) if share and not done else []
        if share is None or not best:
            return
        self._measurer.close()
        self._stage("Final heat: the best candidates and the baseline in interleaved rounds")
        began = time.monotonic()
        entries = [(each, self._artifact(each)) for each in (rows[0], *best)]
        seed = self._run.request.seed
        try:
            heated = run_final_heat(
                *(self._store, self._model, data, entries, share.plan, self._stop, seed, share.seconds),
                self._executor,
            )
        except Cancelled:
            # The time was over: what was measured before stands.
            self._stop.check()
            return
        changed = [each for each in heated if each != self._candidates[each.id]]
        for each in changed:
            self._save(each)
        self._control(heated[0])
        took = time.monotonic() - began
        self._record.add(EventKind.HEAT, seconds=took, candidates=[each.id for each in changed])

    def _artifact(self, candidate: Candidate) -> Artifact:
        """Return what was measured of `candidate`, built anew where it was lost."""
        found = candidate.artifact_id and self._store.artifacts.find(candidate.artifact_id)
        return found or self._builder.build(candidate.recipe)

    def _control(self, baseline: Candidate) -> None:
        if baseline.result is not None:
            control = asdict(baseline.result.timing.speedup)
            self._store.work.set_control(self._run.id, self._worker, control)

    @property
    def _doing(self) -> str:
        measuring = self._current.status is CandidateStatus.MEASURING
        return "measuring" if measuring else f"building ({self._current.stage})"

    def _attempt(self, candidate: Candidate, baseline: Candidate, plan: MeasurementPlan) -> Candidate:
        begin, self._built_anew, self._cached = time.monotonic(), False, []
        self._current = replace(candidate, status=CandidateStatus.BUILDING, stage="build")
        self._measurer.prepare(baseline)
        artifact = self._builder.build(candidate.recipe)
        built = time.monotonic()
        if self._cached:
            self._record.add(EventKind.CACHED, candidate, steps=self._cached)
        self._pacing.forecast.built(candidate.recipe, built - begin, self._built_anew)
        measuring = CandidateStatus.MEASURING
        self._now(replace(self._current, status=measuring, stage="measure", artifact_id=artifact.id))
        _require_runtime(candidate.recipe, artifact)
        result = self._measurer.measure(self._current, artifact, baseline, plan)
        took = time.monotonic() - built
        self._pacing.learn(candidate, result, took, self._measurer.round_s)
        done = replace(self._current, status=CandidateStatus.DONE, stage="", result=result)
        self._save(done)
        self._record.add(EventKind.MEASURED, done, took, speedup=result.timing.speedup.value)
        return done

    def _now(self, current: Candidate) -> None:
        """Say what is being done, in the candidate's row and in the run's head at once."""
        self._current = current
        measuring = current.status is CandidateStatus.MEASURING
        stage = f"Measuring {current.name}" if measuring else f"Building {current.name}: {current.stage}"
        self._save(current, stage)

    def _skip(self, message: str) -> None:
        error = over_budget(message)
        self._save(replace(self._current, status=CandidateStatus.SKIPPED, error=error, stage=""))
        self._record.add(EventKind.SKIPPED, self._current, error=error)

    def _settle(self, status: CandidateStatus, error: Exception) -> None:
        record = error_record(error, self._current.stage)
        self._save(replace(self._current, status=status, error=record, stage=""))
        kind = EventKind.MEASURE_FAILED if record.stage == "measure" else EventKind.BUILD_FAILED
        kinds = {CandidateStatus.SKIPPED: EventKind.REFUSED, CandidateStatus.UNMEASURED: EventKind.UNMEASURED}
        self._record.add(kinds.get(status, kind), self._current, error=record)

    def _on_step(self, pass_id: str) -> None:
        self._built_anew = True
        self._now(replace(self._current, stage=pass_id))

    def _on_built(self, pass_id: str, seconds: float | None) -> None:
        if seconds is None:
            self._cached.append(pass_id)
        else:
            size = (self._model.macs or 0) / 1e9
            self._record.add(EventKind.BUILT, self._current, seconds, step=pass_id, giga_macs=size)

    def _on_progress(self, said: Progress) -> None:
        self._record.trained(self._current, said)
        if said.message and time.monotonic() - self._told > TELL_EVERY_S:
            self._told = time.monotonic()
            self._stage(f"Building {self._current.name}: {said.message}")

    @property
    def _estimate_s(self) -> float:
        """Seconds of the whole run, as it looks now."""
        worked = self._run.elapsed_s + time.monotonic() - self._began
        return worked + self._pacing.remaining_s(self._waiting, self._proposer.further)

    def _stage(self, stage: str) -> None:
        self._store.work.set_stage(self._run.id, self._worker, stage, self._estimate_s)

    def _save(self, candidate: Candidate, stage: str | None = None) -> None:
        self._candidates[candidate.id] = candidate
        self._store.candidates.save(candidate, self._worker, stage, self._estimate_s)


def _trains(candidate: Candidate) -> bool:
    """Whether a pass of its recipe trains, so that the search rows are no part of the test."""
    return any(isinstance(passes().get(step.pass_id), Trainer) for step in candidate.recipe.steps)


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
        status, error = RunStatus.FAILED, error_record(problem, "baseline")
    store.work.finish(run.id, worker, status, error)
