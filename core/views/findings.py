"""Findings on the candidates of a run, out of the store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from core.domain.finding import Finding
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.engine.comparing_layers import stored_layer_errors
from core.engine.planning import check_recipe
from core.engine.profiling import stored_profile
from core.errors import NotFound, WhetstoneError
from core.insights.findings import findings
from core.protocols import Case
from core.search.recipe_files import fitted
from core.search.spelling import spell
from core.serde import to_plain
from core.store.store import Store
from core.views.cache import cached
from core.views.rows import Row
from core.views.run import RunView


def chain_of(store: Store, artifact_id: str | None) -> list[Artifact]:
    """Return an artifact and those that it was made of, the source first, as far as they are still there."""
    chain: list[Artifact] = []
    # `find` would read and hash every file, which is too much for a page.
    while artifact_id is not None:
        try:
            artifact = store.artifacts.get(artifact_id)
        except NotFound:
            break
        chain.append(artifact)
        artifact_id = artifact.parent
    return chain[::-1]


def findings_of(store: Store, view: RunView, row: Row) -> tuple[Finding, ...]:
    """Return what the figures of a candidate say; nothing before it is measured."""
    candidate = row.candidate
    if candidate.result is None:
        return ()
    chain, others = chain_of(store, candidate.artifact_id), [each.candidate for each in view.candidates]
    known, layers = _details(store, view, others), stored_profile(store, candidate.id)
    errors = stored_layer_errors(store, candidate.id)
    about = (view.limits, view.control, view.model, others, known, layers, errors)
    case = Case(candidate, candidate.result, chain, *about)
    return tuple(_possible(each, view.model, candidate.result.timing.environment) for each in findings(case))


def _details(store: Store, view: RunView, others: Sequence[Candidate]) -> dict[str, dict[str, Any]]:
    """Return what the last technique of each candidate told, read once for each revision of the run."""

    def read() -> dict[str, dict[str, Any]]:
        found = {}
        for each in others:
            with suppress(NotFound):
                found[each.id] = store.artifacts.get(each.artifact_id).details if each.artifact_id else {}
        return found

    return cached(store).small.get(("details", view.run.id, view.machine), view.run.revision, read)


def _possible(finding: Finding, model: SourceModel, here: Environment) -> Finding:
    """Return a finding whose recipe leads from the model to its runtime, or that proposes none."""
    if finding.recipe is None:
        return finding
    recipe = fitted(finding.recipe, model)
    try:
        check_recipe(model, recipe, here)
    except WhetstoneError:
        return replace(finding, recipe=None)
    return replace(finding, recipe=recipe)


def told(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values, its recipe as the command line spells it."""
    return {**to_plain(finding), "recipe": finding.recipe and spell(finding.recipe)}
