"""Measure one candidate of a run against its baseline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.archives.npz import npz_names
from core.bench.quality.predictions import CHANGING, GOLDEN_NAMES
from core.bench.timing.between_process import Spread
from core.bench.timing.endpoint import Endpoint
from core.bench.timing.interleaving import MeasurementPlan
from core.bench.timing.moments import known_spread, widened_timing
from core.bench.timing.stopwatch import Measured, measure
from core.datasets.build import RANDOM
from core.datasets.splits import FOR_EVALUATION
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact, Recipe
from core.domain.run import Candidate, Quality, Result, Run
from core.engine.building import lay_out, lay_out_data, source_artifact
from core.engine.jobs import run_task
from core.engine.live import LiveReport
from core.engine.standby import Standby
from core.errors import RuntimeFailed
from core.registry import get_pass
from core.serde import from_plain
from core.store.store import Store
from core.work.folders import job_folder
from core.work.left import kept_file
from core.work.stop import Stop

PLANS = {
    "quick": MeasurementPlan(
        max_seconds=5.0, throughput_batches=(1, 8), throughput_seconds=0.2, starts=1, close_starts=2
    ),
    "balanced": MeasurementPlan(max_seconds=12.0, throughput_seconds=0.4),
    "thorough": MeasurementPlan(
        max_seconds=30.0, target=0.02, throughput_seconds=0.6, starts=3, close_starts=4
    ),
}
GOLDEN = "golden.npz"
COMPARING = "core.bench.quality.comparing"


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
    ) -> None:
        self._store, self._run, self._worker = store, run, worker
        self._model, self._data, self._stop = model, data, stop
        self._searching = searching
        self._standby: Standby | None = None
        self.round_s = 0.0

    def prepare(self, baseline: Candidate) -> None:
        """Start the baseline's process for the next measurement, while its candidate is being built."""
        if self._standby is None:
            self._standby = Standby(self._store, self._model, self._data, baseline, self._stop)

    def close(self) -> None:
        """End the process that waits, if any."""
        if self._standby is not None:
            self._standby.close()
            self._standby = None

    def measure(
        self, candidate: Candidate, artifact: Artifact, baseline: Candidate, plan: MeasurementPlan
    ) -> Result:
        """Return all figures of `candidate`; the baseline itself is measured against itself.

        Raises:
            RuntimeFailed: The runtime refuses the artifact, or its outputs are not finite.
            Cancelled: The run was stopped, or the time is over.
        """
        with job_folder(self._store.jobs_dir) as folder:
            measured = self._time(candidate, artifact, baseline, plan, folder)
            if measured.predictions is None:
                raise RuntimeFailed("The candidate left no predictions.", hint="Report this as a fault.")
            alone = candidate.id == baseline.id
            reference = measured.predictions if alone else self._predictions(baseline, folder / "reference")
            drawn = self._data.origin == RANDOM
            blind = drawn and _fitted(candidate.recipe)
            test, search = self._compare(measured.predictions, reference, folder, drawn, blind)
            if alone:
                self._keep_predictions(candidate, measured.predictions)
            golden = kept_file(measured.golden.parent, measured.golden.name)
            npz_names(golden, GOLDEN_NAMES)
            self._store.results.attach(candidate.id, GOLDEN, golden, self._worker)
        timing, self.round_s = measured.timing, measured.round_s
        if baseline.result is not None:
            first = baseline.result.timing
            timing = widened_timing(timing, first.speedup, first)
        return Result(timing, test.accuracy, test.fidelity, artifact.size_bytes, search)

    def _time(
        self,
        candidate: Candidate,
        artifact: Artifact,
        baseline: Candidate,
        plan: MeasurementPlan,
        folder: Path,
    ) -> Measured:
        ours = lay_out(self._store, artifact, folder / "ours")
        theirs = lay_out(self._store, source_artifact(self._model), folder / "theirs")
        data = lay_out_data(self._store, self._data, folder / "data", FOR_EVALUATION)
        request = self._run.request
        reference = self._standby.take() if self._standby else None
        report = LiveReport(self._store, self._run.id, self._worker, candidate.id, request.threads)
        try:
            with report:
                return measure(
                    Endpoint(ours, candidate.recipe.target, self._model),
                    Endpoint(theirs, baseline.recipe.target, self._model),
                    plan,
                    folder / "out",
                    data,
                    seed=request.seed,
                    cancel=self._stop.over,
                    reference=reference,
                    on_block=report.add,
                    known=self._known_spread(),
                )
        finally:
            self.close()

    def _known_spread(self) -> Spread | None:
        """Return what the run has seen of the spread between process starts; None before its first result."""
        results = [each.result for each in self._store.candidates.list(self._run.id)]
        timings = [result.timing for result in results if result is not None]
        return known_spread(timings) if timings else None

    def _compare(
        self, ours: Path, theirs: Path, folder: Path, drawn: bool, blind: bool
    ) -> tuple[Quality, Quality | None]:
        """Compare two folders of outputs in a process of its own, as what wrote them may be hostile.

        Returns:
            Quality on the test and, in a run that searches, on the search rows.
        """
        parts = [folder / "data" / part.labels for part in FOR_EVALUATION]
        labels = [path for path in parts if path.exists()]
        payload = {
            "ours": str(ours),
            "theirs": str(theirs),
            "labels": [str(path) for path in labels],
            "classes": self._model.classes_judged(self._data.labelled),
            "names": [spec.name for spec in self._model.outputs],
            "samples": self._data.evaluation_samples,
            "test": self._data.test_samples(self._searching),
        }
        reads, writes = {ours, theirs, *labels}, folder / "compared"
        found = run_task(COMPARING, "compare", payload, sorted(reads), writes, self._stop, finish=True)

        def told(said: Quality) -> Quality:
            return replace(said, fidelity=replace(said.fidelity, random=drawn, blind=blind))

        search = found["search"] and told(from_plain(found["search"], Quality))
        return told(from_plain(found["test"], Quality)), search

    def _keep_predictions(self, baseline: Candidate, folder: Path) -> None:
        for path in [*folder.glob("[0-9]*.npy"), *folder.glob(CHANGING)]:
            self._store.results.attach(baseline.id, path.name, kept_file(folder, path.name), self._worker)

    def _predictions(self, baseline: Candidate, folder: Path) -> Path:
        kept = [file for file in self._store.results.list(baseline.id) if file.name != GOLDEN]
        self._store.blobs.lay_out(kept, folder)
        return folder


def _fitted(recipe: Recipe) -> bool:
    return any(get_pass(step.pass_id).fits for step in recipe.steps)
