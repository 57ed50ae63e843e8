"""Execute a run: baseline first, then candidate after candidate, each kept as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.bench.timing.spares import held
from core.domain.events import EventKind
from core.domain.export import Export
from core.domain.model import DataSet
from core.domain.recipe import Artifact, Recipe
from core.domain.run import Candidate, CandidateStatus, Run, RunStatus
from core.engine.building import Builder
from core.engine.candidates import Candidates
from core.engine.executors import executor
from core.engine.final_heat import run_final_heat
from core.engine.measuring import Measurer
from core.engine.pacing import Pacing, Share, random_samples
from core.engine.proposing import Proposer
from core.engine.record import error_record
from core.engine.uploads import add_data
from core.errors import Cancelled, ChildTimeout, MeasuredElsewhere, PassNotApplicable, Paused
from core.insights.recommendation import contenders
from core.machine.environment import memory_available
from core.registry import get_format, get_runtime, passes
from core.search.costs import BuildCosts
from core.search.estimate import MEASURE_S, Forecast
from core.search.exports import target_of
from core.search.memory import check_session
from core.search.presets import plan_of
from core.store.store import Store
from core.work.local import LEAST_STEP_S
from core.work.stop import Stop

NO_TURN = "The time budget was spent before this candidate's turn."


def _require_runtime(recipe: Recipe, artifact: Artifact, exports: Sequence[Export]) -> None:
    runtime = get_runtime(recipe.target.runtime_id)
    found = runtime.available()
    if not found.ok:
        needs = [each.needs for each in map(target_of, exports) if each is not None and each.needs]
        told = " ".join([*needs[:1], found.way_out or "Download the kit and run its verify.py there."])
        raise MeasuredElsewhere(
            f"Built as {get_format(artifact.format).name} and checked, but not measured: {runtime.name} "
            f"is not available here. {found.reason}",
            hint=told,
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
        self._model = store.models.get(run.request.model_id)
        self._candidates = Candidates(store, run, worker, self._model, self._remaining_s)
        forecast = Forecast(self._model, BuildCosts(store.events.builds()))
        self._pacing = Pacing(stop, forecast, plan_of(run.request.preset), self._candidates.all())
        self._proposer = Proposer(store, run, self._model)
        self._executor = executor(store, run.request.executor)

    def run(self) -> RunStatus:
        """Work until all candidates are final, the budget is spent or the run is stopped.

        Raises:
            Cancelled: The run was stopped.
            WhetstoneError: The baseline cannot be measured, so no candidate can be.
        """
        data, seed = self._data(), self._run.request.seed
        store, stop, model, doer = self._store, self._stop, self._model, self._executor
        rows = self._candidates
        told = (rows.on_step, rows.on_built, doer, rows.on_progress)
        self._builder = Builder(store, model, data, seed, stop, *told)
        self._builder.remember(each.artifact_id for each in rows.all())
        searching = self._proposer.searching or any(map(_searches, rows.all()))
        self._measurer = Measurer(
            *(store, self._run, self._worker, model, data, stop, searching, doer), rows.on_progress
        )
        rows.record.began(rows.all())
        try:
            baselines = self._baselines()
            while (candidate := self._next(data)) is not None:
                self._try(candidate, baselines[candidate.machine])
            for held, machine in enumerate(baselines):
                self._heat(data, machine, len(baselines) - held)
        finally:
            self._measurer.close()
        return RunStatus.DONE

    def _remaining_s(self, waiting: Sequence[Recipe]) -> float:
        return self._pacing.remaining_s(waiting, self._proposer.further)

    def _next(self, data: DataSet) -> Candidate | None:
        """Return what to try next: what waits or, where nothing does, what the strategy proposes now."""
        while True:
            waiting = self._candidates.next
            self._stop.begin()
            proposed = self._proposer.next(self._candidates.all(), data) if waiting is None else []
            if not proposed:
                return waiting
            after = self._proposer.further - len(proposed)
            if self._pacing.candidate([each.recipe for each in proposed], after) is None:
                # What would get no turn is not added; what takes less time may get one.
                if self._stop.remaining_s > MEASURE_S[0] and self._proposer.decline(proposed):
                    continue
                return None
            for each in proposed:
                self._candidates.save(each)
            self._proposer.added(proposed)

    def _data(self) -> DataSet:
        """Return the data to work on; random inputs are drawn once, and kept as the run's own."""
        if self._run.data_id is not None:
            return self._store.data.get(self._run.data_id)
        self._candidates.stage("Preparing random inputs")
        samples, seed = random_samples(self._model, self._run.request.budget_s), self._run.request.seed
        drawn = add_data(self._store, None, self._model, {"seed": seed, **samples}, seed=seed)
        self._store.work.set_data(self._run.id, self._worker, drawn.id)
        return drawn

    def _baselines(self) -> dict[str, Candidate]:
        """Return the measured baseline of each kind of machine; a kind without one is left out.

        Raises:
            WhetstoneError: No kind has one.
        """
        found: dict[str, Candidate] = {}
        failed: dict[str, Exception] = {}
        for each in [row for row in self._candidates.all() if row.position == 0]:
            try:
                found[each.machine] = self._baseline(each)
            except Exception as error:
                self._stop.check()
                failed[each.machine] = error
        if not found:
            raise next(iter(failed.values()))
        for machine, why in failed.items():
            self._leave_out(machine, why)
        return found

    def _leave_out(self, machine: str, error: Exception) -> None:
        """End what waits for a kind of machine that has no baseline."""
        why = PassNotApplicable(
            f"Your model itself could not be measured on {machine}, so nothing is compared there: {error}",
            hint="See its own row, and start a new run when that is mended.",
        )
        for each in self._candidates.on(machine):
            if not each.status.final:
                self._candidates.current = each
                self._candidates.settle(CandidateStatus.SKIPPED, why)

    def _baseline(self, candidate: Candidate) -> Candidate:
        if candidate.status is CandidateStatus.DONE:
            return candidate
        share = self._pacing.baseline(self._candidates.waiting, self._proposer.further)
        try:
            with self._stop.until(share.deadline):
                done = self._attempt(candidate, candidate, share)
        except Paused:
            raise
        except Cancelled as error:
            self._stop.check()
            raise ChildTimeout(
                "The time budget was over before your model itself was measured.",
                hint="Give the run a larger budget.",
            ) from error
        except Exception as error:
            self._candidates.settle(CandidateStatus.FAILED, error)
            raise
        return done

    def _try(self, candidate: Candidate, baseline: Candidate) -> None:
        self._stop.check()
        self._candidates.current = candidate
        share = self._pacing.candidate(self._candidates.waiting, self._proposer.further)
        if share is None:
            self._candidates.skip(NO_TURN)
            return
        with self._stop.until(share.deadline):
            try:
                self._attempt(candidate, baseline, share)
            except Paused:
                raise
            except (Cancelled, ChildTimeout) as error:
                self._stop.check()
                if self._stop.remaining_s > LEAST_STEP_S:
                    self._candidates.settle(CandidateStatus.FAILED, error)
                else:
                    self._candidates.skip(f"It was {self._candidates.doing} when {share.limit} was over.")
            except MeasuredElsewhere as error:
                self._candidates.settle(CandidateStatus.UNMEASURED, error)
            except PassNotApplicable as error:
                self._candidates.settle(CandidateStatus.SKIPPED, error)
            except Exception as error:
                self._candidates.settle(CandidateStatus.FAILED, error)

    def _heat(self, data: DataSet, machine: str, heats: int) -> None:
        """Hold the baseline and the best candidates against each other, once, before any is recommended.

        Args:
            data: Rows to call them with.
            machine: The kind of machine whose candidates these are.
            heats: To be held, this one among them; they share the time that is left.
        """
        rows, share = self._candidates.on(machine), self._pacing.heat(heats)
        done = self._candidates.record.has(EventKind.HEAT, machine)
        limits, objective = self._run.request.limits, self._run.request.objective
        best = contenders(rows, limits, share.most, objective) if share and not done else []
        if share is None or not best:
            return
        self._stop.begin()
        self._measurer.close()
        self._candidates.stage("Final heat: the best candidates and the baseline in interleaved rounds")
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
        before = {each.id: each for each in self._candidates.all()}
        changed = [each for each in heated if each != before[each.id]]
        for each in changed:
            self._candidates.save(each)
        took = time.monotonic() - began
        ids = [each.id for each in changed]
        self._candidates.record.add(EventKind.HEAT, seconds=took, candidates=ids, machine=machine)

    def _artifact(self, candidate: Candidate) -> Artifact:
        """Return what was measured of `candidate`, built anew where it was lost."""
        self._candidates.current = candidate
        found = candidate.artifact_id and self._store.artifacts.find(candidate.artifact_id)
        return found or self._builder.build(candidate.recipe)

    def _require_new(self, candidate: Candidate, artifact: Artifact) -> None:
        """Refuse to measure twice what several recipes come to."""
        for each in self._candidates.all():
            alike = (each.artifact_id, each.recipe.target) == (artifact.id, candidate.recipe.target)
            if alike and each.status is CandidateStatus.DONE and each.id != candidate.id:
                raise PassNotApplicable(
                    f"It comes to the same files as {each.name}, which is measured already.",
                    hint="See the figures there.",
                )

    def _attempt(self, candidate: Candidate, baseline: Candidate, share: Share) -> Candidate:
        """Build and measure `candidate`; return it with its result."""
        begin, rows, free = time.monotonic(), self._candidates, memory_available() + held()
        rows.building(candidate)
        self._measurer.prepare(baseline)
        artifact = self._builder.build(candidate.recipe, share.training_s)
        built = time.monotonic()
        self._pacing.forecast.built(candidate.recipe, built - begin, rows.built_anew)
        self._require_new(candidate, artifact)
        self._stop.begin()
        rows.measuring(artifact.id)
        _require_runtime(candidate.recipe, artifact, self._run.request.exported(candidate.recipe))
        if self._executor.here:
            check_session(self._model, candidate.recipe, free, baseline.result, artifact)
        last = len(rows.waiting) == 1 and not self._proposer.further
        result = self._measurer.measure(rows.current, artifact, baseline, share.plan, last)
        took = time.monotonic() - built
        self._pacing.learn(candidate, result, took, self._measurer.round_s)
        return rows.done(result, took)


def _searches(candidate: Candidate) -> bool:
    """Whether a pass of its recipe chooses by the search rows, so that these are no part of the test."""
    known = passes()
    return any(step.pass_id in known and known[step.pass_id].searches for step in candidate.recipe.steps)


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
    except Paused:
        status, error = RunStatus.PAUSED, None
    except Cancelled:
        status, error = RunStatus.CANCELLED, None
    except Exception as problem:
        status, error = RunStatus.FAILED, error_record(problem, "baseline")
    store.work.finish(run.id, worker, status, error)
