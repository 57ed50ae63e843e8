"""Candidates of a run while it goes on: the status, the stage and the events of each, kept at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.domain.events import EventKind
from core.domain.model import SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Candidate, CandidateStatus, Result, Run
from core.engine.record import Record, error_record, over_budget
from core.store.store import Store
from core.work.unit import Progress

TELL_EVERY_S = 1.0


class Candidates:
    """The candidates of one run, one of which is worked on.

    Args:
        store: Holds the run.
        run: Claimed by `worker`.
        worker: Id of the claiming worker.
        model: The source model.
        remaining_s: Returns the seconds that the recipes which wait will probably take.

    Attributes:
        current: The one that is worked on.
        record: The events of the run.
        built_anew: Whether any step of the current one had to be built.
    """

    current: Candidate

    def __init__(
        self,
        store: Store,
        run: Run,
        worker: str,
        model: SourceModel,
        remaining_s: Callable[[Sequence[Recipe]], float],
    ) -> None:
        self._store, self._run, self._worker = store, run, worker
        self._giga_macs, self._remaining_s = (model.macs or 0) / 1e9, remaining_s
        self._rows = {each.id: each for each in store.candidates.list(run.id)}
        self.record, self.built_anew = Record(store, run.id), False
        self._began, self._told = time.monotonic(), 0.0
        self._cached: list[str] = []

    def all(self) -> list[Candidate]:
        """Return all, the baseline of each kind of machine first."""
        return list(self._rows.values())

    def on(self, machine: str) -> list[Candidate]:
        """Return those of one kind of machine, its baseline first."""
        return [each for each in self._rows.values() if each.machine == machine]

    @property
    def next(self) -> Candidate | None:
        """The first that waits, if any."""
        return next((each for each in self._rows.values() if not each.status.final), None)

    @property
    def waiting(self) -> list[Recipe]:
        """The recipes that are not final."""
        return [each.recipe for each in self._rows.values() if not each.status.final]

    @property
    def doing(self) -> str:
        """What is being done to the current one, as a part of a sentence."""
        measuring = self.current.status is CandidateStatus.MEASURING
        return "measuring" if measuring else f"building ({self.current.stage})"

    def building(self, candidate: Candidate) -> None:
        """Work on `candidate` from now on."""
        self.current = replace(candidate, status=CandidateStatus.BUILDING, stage="build")
        self.built_anew, self._cached = False, []

    def measuring(self, artifact_id: str) -> None:
        """The current one is built, and is measured from now on."""
        self._tell_cached()
        self._now(
            replace(self.current, status=CandidateStatus.MEASURING, stage="measure", artifact_id=artifact_id)
        )

    def done(self, result: Result, seconds: float) -> Candidate:
        """Keep what was measured of the current one in `seconds`, and return it with its result."""
        done = replace(self.current, status=CandidateStatus.DONE, stage="", result=result)
        self.save(done)
        self.record.add(EventKind.MEASURED, done, seconds, speedup=result.timing.speedup.value)
        return done

    def skip(self, message: str) -> None:
        """Leave the current one out, because of the time."""
        error = over_budget(message)
        self.save(replace(self.current, status=CandidateStatus.SKIPPED, error=error, stage=""))
        self.record.add(EventKind.SKIPPED, self.current, error=error)

    def settle(self, status: CandidateStatus, error: Exception) -> None:
        """End the current one with `error`."""
        kept = error_record(error, self.current.stage)
        self.save(replace(self.current, status=status, error=kept, stage=""))
        kind = EventKind.MEASURE_FAILED if kept.stage == "measure" else EventKind.BUILD_FAILED
        kinds = {CandidateStatus.SKIPPED: EventKind.REFUSED, CandidateStatus.UNMEASURED: EventKind.UNMEASURED}
        self.record.add(kinds.get(status, kind), self.current, error=kept)

    def on_step(self, pass_id: str) -> None:
        """A step of the current one is built now."""
        self._tell_cached()
        self.built_anew = True
        self._now(replace(self.current, stage=pass_id))

    def on_built(self, pass_id: str, seconds: float | None) -> None:
        """A step of the current one is there, after `seconds`, or from before."""
        if seconds is None:
            self._cached.append(pass_id)
        else:
            size = self._giga_macs
            self.record.add(EventKind.BUILT, self.current, seconds, step=pass_id, giga_macs=size)

    def on_progress(self, said: Progress) -> None:
        """A step of the current one says how far it is."""
        self.record.trained(self.current, said)
        often = said.share is not None or bool(said.figures)
        if said.message and (not often or time.monotonic() - self._told > TELL_EVERY_S):
            self._told = time.monotonic()
            self.stage(f"{self._verb} {self.current.name}: {said.message}")

    def stage(self, stage: str) -> None:
        """Say what the run does now."""
        self._store.work.set_stage(self._run.id, self._worker, stage, self._estimate_s)

    def save(self, candidate: Candidate, stage: str | None = None) -> None:
        """Keep `candidate`, a new one, too; with `stage` of the run at once."""
        self._rows[candidate.id] = candidate
        self._store.candidates.save(candidate, self._worker, stage, self._estimate_s)

    def _now(self, current: Candidate) -> None:
        """Say what is being done, in the candidate's row and in the run's head at once."""
        self.current = current
        what = "" if current.status is CandidateStatus.MEASURING else f": {current.stage}"
        self.save(current, f"{self._verb} {current.name}{what}")

    @property
    def _verb(self) -> str:
        return "Measuring" if self.current.status is CandidateStatus.MEASURING else "Building"

    def _tell_cached(self) -> None:
        if self._cached:
            self.record.add(EventKind.CACHED, self.current, steps=self._cached)
            self._cached = []

    @property
    def _estimate_s(self) -> float:
        """Seconds of the whole run, as it looks now."""
        worked = self._run.elapsed_s + time.monotonic() - self._began
        return worked + self._remaining_s(self.waiting)
