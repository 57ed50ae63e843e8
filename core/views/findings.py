"""Findings on the candidates of a run, out of the store."""

from __future__ import annotations

from typing import Any

from core.domain.finding import Finding
from core.domain.recipe import Artifact
from core.errors import NotFound
from core.insights.findings import findings
from core.protocols import Case
from core.search.spelling import spell
from core.serde import to_plain
from core.store.store import Store
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
    return findings(Case(candidate, candidate.result, chain, view.limits, view.control, view.model, others))


def told(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values, its recipe as the command line spells it."""
    return {**to_plain(finding), "recipe": finding.recipe and spell(finding.recipe)}
