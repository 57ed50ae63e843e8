"""Exports: what each target can make of a model, and what came of those that were built."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from core.bench.quality.faithfulness import TOLERANCES, figures
from core.domain.export import Export, ExportPrecision
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.run import CandidateStatus, Run
from core.engine.planning import candidate_of
from core.machine.environment import environment
from core.protocols import ExportTarget
from core.registry import get_format, get_pass, get_runtime, targets
from core.search.exports import export_recipe, target_of
from core.store.store import Store
from core.toolchains.environments import State, state_of
from core.toolchains.lists import get_toolchain
from core.views.cache import cached
from core.views.rows import Row
from core.views.run import RunView, run_view

MOST_RUNS = 20
"""The newest runs of a model, in which its exports are looked for."""


@dataclass(frozen=True)
class PrecisionRow:
    """One precision of a target for a model.

    Attributes:
        precision: Which.
        possible: Nothing known speaks against it.
        reason: Why not, with the way out.
        fits: Whether data is needed to find ranges.
        unpacks: What is installed first, in a sentence; empty where all is there.
    """

    precision: ExportPrecision
    possible: bool
    reason: str = ""
    fits: bool = False
    unpacks: str = ""


@dataclass(frozen=True)
class TargetRow:
    """A target for a model.

    Attributes:
        target: What it says of itself.
        precisions: Those that it has, and behind them those that it lacks, each with the reason.
        runs_here: Whether its runtime can run here.
        needs: What is lacking for that, and what runs it elsewhere; empty where it runs here.
        form: Name of its format.
    """

    target: ExportTarget
    precisions: tuple[PrecisionRow, ...]
    runs_here: bool
    needs: str
    form: str

    @property
    def possible(self) -> bool:
        """Whether any precision is."""
        return any(each.possible for each in self.precisions)


@dataclass(frozen=True)
class ExportRow:
    """What came of one export.

    Attributes:
        export: Target and precision.
        row: The candidate that it is, with its figures.
        run_id: Its run.
    """

    export: Export
    row: Row
    run_id: str

    @property
    def target_name(self) -> str:
        """Name of the target; its id where that is not known (any more)."""
        known = target_of(self.export)
        return known.name if known else self.export.target

    @property
    def name(self) -> str:
        """Target, precision and options for people."""
        options = str(self.export).removeprefix(str(self.export.plain)).removeprefix(":")
        told = f" ({options.replace(',', ', ')})" if options else ""
        return f"{self.target_name} · {self.export.precision.label}{told}"

    @property
    def as_uploaded(self) -> bool:
        """Whether the upload itself is this export."""
        return self.row.candidate.position == 0

    @property
    def built(self) -> bool:
        """Whether there are files to take away."""
        return self.row.candidate.status in (CandidateStatus.DONE, CandidateStatus.UNMEASURED)

    @property
    def measured(self) -> bool:
        """Whether it ran here, within the tolerance of its precision."""
        return self.row.candidate.status is CandidateStatus.DONE

    @property
    def problem(self) -> str:
        """Why it was not measured, with what to do; empty where it was."""
        error = self.row.candidate.error
        return f"{error.message} {error.hint}".strip() if error is not None else ""

    @property
    def errors(self) -> tuple[str, ...]:
        """How far each output lies from the original's, in a sentence each; nothing for the upload itself."""
        result = self.row.candidate.result
        if result is None or self.as_uploaded:
            return ()
        named = len(result.fidelity.each) > 1
        return tuple(
            f"{each.name}: {figures(each)}" if named else figures(each) for each in result.fidelity.each
        )

    @property
    def batches(self) -> str:
        """At which batch sizes it was compared, in a sentence; empty where it was not."""
        candidate = self.row.candidate
        if candidate.result is None or self.as_uploaded:
            return ""
        own, other = candidate.recipe.target.batch, candidate.result.other_batch
        if other is None:
            return f"Compared at batch {own}."
        if other.fidelity is None:
            return f"Compared at batch {own}; it takes no batch of {other.batch}."
        return f"Compared at batch {own} and {other.batch}."


def target_rows(model: SourceModel) -> tuple[TargetRow, ...]:
    """Return every target with what it can make of a model on this machine, without opening it."""
    here = environment()
    return tuple(_target(model, each, here) for each in targets().values())


def _target(model: SourceModel, target: ExportTarget, here: Environment) -> TargetRow:
    runtime = get_runtime(target.runtime)
    found = runtime.available()
    there = target.needs and f"Needed there: {target.needs}"
    told = "" if found.ok else " ".join(filter(None, [found.reason, there, found.way_out]))
    rows = [_precision(model, Export(target.id, each), here) for each in target.precisions]
    rows += [PrecisionRow(each, False, why) for each, why in target.lacks.items()]
    return TargetRow(target, tuple(rows), found.ok, told, get_format(target.format).name)


def _precision(model: SourceModel, export: Export, here: Environment) -> PrecisionRow:
    recipe = export_recipe(export, model)
    planned = candidate_of(1, model, recipe, here, exported=True)
    techniques = [get_pass(step.pass_id) for step in recipe.steps]
    fits = any(each.fits for each in techniques)
    if planned.error is not None:
        reason = f"{planned.error.message} {planned.error.hint}".strip()
        return PrecisionRow(export.precision, False, reason, fits)
    chains = dict.fromkeys(each.toolchain for each in techniques if each.toolchain)
    missing = [each for each in map(get_toolchain, chains) if state_of(each) is not State.READY]
    told = [f"{each.name} is installed first, {each.size_gb:g} GB." for each in missing]
    return PrecisionRow(export.precision, True, "", fits, " ".join(told))


def export_rows(view: RunView) -> tuple[ExportRow, ...]:
    """Return what came of the exports of a run, in the order in which they were asked for."""
    request = view.run.request
    found = {
        export: ExportRow(export, row, view.run.id)
        for row in reversed(view.candidates)
        for export in request.exported(row.candidate.recipe)
    }
    return tuple(found[each] for each in request.exports if each in found)


def export_run(store: Store, model_id: str) -> Run | None:
    """Return the newest run that exports a model; None where there is none."""
    listed = (each.run for each in store.runs.list())
    return next((each for each in listed if each.request.exports and each.request.model_id == model_id), None)


def latest_exports(store: Store, model_id: str) -> tuple[ExportRow, ...]:
    """Return what came last of each export of a model, over its newest runs."""
    listed = [each.run for each in store.runs.list() if each.run.request.model_id == model_id][:MOST_RUNS]
    found: dict[Export, ExportRow] = {}
    for run in (each for each in listed if each.request.exports):
        read = partial(_exports_of, store, run.id)
        rows: tuple[ExportRow, ...] = cached(store).small.get(("exports", run.id), run.revision, read)
        for each in rows:
            if each.row.candidate.status.final or run.status.active:
                found.setdefault(each.export, each)
    return tuple(found.values())


def _exports_of(store: Store, run_id: str) -> tuple[ExportRow, ...]:
    return export_rows(run_view(store, run_id))


def tolerance_told(precision: ExportPrecision) -> str:
    """Return the tolerance of a precision in a sentence."""
    held = TOLERANCES[precision]
    return (
        f"{precision.label}: SQNR of {held.sqnr_db:g} dB or more; on your data also an error of at most "
        f"{held.noise:g} % of what an output varies and {held.agreement:g} % equal answers or more."
    )
