"""Detail view of one candidate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

from core.domain.finding import Finding
from core.domain.recipe import Artifact
from core.domain.run import Candidate, CandidateStatus, Limits, Run
from core.engine.building import source_artifact
from core.errors import NotFound, WhetstoneError
from core.insights.judgement import more_samples
from core.params import make
from core.protocols import Pass
from core.registry import packagers, passes
from core.search.names import step_name
from core.search.recipe_files import dump
from core.serde import to_plain
from core.store.store import Store
from core.views.commands import command_for, python_for
from core.views.findings import chain_of, findings_of
from core.views.rows import Row
from core.views.run import RunView, run_view


@dataclass(frozen=True)
class StepRow:
    """One step of a recipe.

    Attributes:
        name: Of the technique, with the parameters that were set.
        summary: What the technique does.
        params: All parameters, defaults filled in.
        details: What it did to this model; empty where it was not built.
        size_bytes: After this step; None where it was not built.
        labels: Of the parameters, for people.
        units: Of those that have one.
    """

    name: str
    summary: str
    params: dict[str, Any]
    details: dict[str, Any]
    size_bytes: int | None
    labels: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CandidateView:
    """A candidate with everything known about it.

    Attributes:
        run: The run it belongs to.
        row: Its figures.
        steps: How it was made.
        findings: What the figures say.
        more_samples: Labelled samples that would probably make a likely candidate sure; None otherwise.
        command: Shell command that makes it again.
        python: Lines of Python that make it again.
        recipe: The file of its recipe, for other models.
        packagers: Ids of the kinds of download that it can be taken home in.
    """

    run: RunView
    row: Row
    steps: tuple[StepRow, ...]
    findings: tuple[Finding, ...]
    more_samples: int | None
    command: str
    python: str
    recipe: str
    packagers: tuple[str, ...] = ()


def _steps(row: Row, chain: list[Artifact], samples: int | None) -> tuple[StepRow, ...]:
    """Return the steps as they were done: with `samples` to calibrate on, no more than those were used."""
    made = dict(enumerate(each for each in chain if each.step is not None))
    rows = []
    for index, step in enumerate(row.candidate.recipe.steps):
        technique, artifact = passes()[step.pass_id], made.get(index)
        params = to_plain(make(technique.Params, step.params))
        if technique.calibrates and samples is not None and "samples" in params:
            params["samples"] = min(params["samples"], samples)
        details, size = (artifact.details, artifact.size_bytes) if artifact else ({}, None)
        if artifact and index and made.get(index - 1) and made[index - 1].details == details:
            details = {}  # an option of the same files, such as BF16: these are the step's before
        labels, units = _told(technique, "label"), _told(technique, "unit")
        rows.append(StepRow(step_name(step), technique.summary, params, details, size, labels, units))
    return tuple(rows)


def _told(technique: Pass, what: str) -> dict[str, str]:
    """Return what the parameters say of themselves, by name."""
    return {each.name: str(each.metadata.get(what, "")) for each in fields(technique.Params)}


def _calibrated_on(store: Store, run: Run) -> int | None:
    """Return how many samples there were to calibrate on; None before the run has its data."""
    return None if run.data_id is None else store.data.get(run.data_id).calibration_samples


def _packagers(candidate: Candidate, artifact: Artifact) -> tuple[str, ...]:
    """Return the kinds of download that a candidate can have here."""
    found = []
    built = candidate.result is not None or candidate.status is CandidateStatus.UNMEASURED
    for packager in packagers().values() if built else ():
        with suppress(WhetstoneError):
            packager.requires(candidate, artifact)
            found += [packager.id] if packager.available().ok else []
    return tuple(found)


def explain(
    store: Store, candidate_id: str, limits: Limits | Callable[[Run], Limits] | None = None
) -> CandidateView:
    """Return everything about a candidate.

    Args:
        store: Holds it.
        candidate_id: Which one.
        limits: To judge it by, or what returns them for its run; those of the run by default.

    Raises:
        NotFound: There is no such candidate.
    """
    candidate = store.candidates.get(candidate_id)
    view = run_view(store, candidate.run_id, limits, candidate.machine)
    row = view.find(candidate_id)
    if row is None:
        raise NotFound(f"There is no candidate {candidate_id}.", hint="Open the run again.")
    chain = chain_of(store, candidate.artifact_id)
    request, recipe = view.run.request, candidate.recipe
    return CandidateView(
        view,
        row,
        _steps(row, chain, _calibrated_on(store, view.run)),
        findings_of(store, view, row),
        more_samples(candidate.result, view.limits) if candidate.result else None,
        command_for(view.model, view.data, request, recipe),
        python_for(view.model, view.data, request, recipe),
        dump(recipe),
        _packagers(candidate, chain[-1] if chain else source_artifact(view.model)),
    )
