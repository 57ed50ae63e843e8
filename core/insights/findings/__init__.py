"""Findings: why a candidate is, or is not, faster, smaller or as accurate; one diagnostic is one file."""

from __future__ import annotations

from core.domain.finding import MS, Finding, FindingKind
from core.insights.findings.accuracy import EQUIVALENT
from core.protocols.diagnostics import Case
from core.registry import diagnostics

LEAST_DROP = 0.1
"""Limit, in points, below which no stake is held against it."""


def findings(case: Case) -> tuple[Finding, ...]:
    """Return what is worth knowing about a measured candidate, what has most at stake first.

    A stake in time is weighed as a share of the call, one in quality as a multiple of the limit on the drop.
    What is good comes last.
    """
    found = [each for known in diagnostics().values() for each in known.findings(case)]
    once = {each.message: each for each in found}.values()
    return tuple(sorted(once, key=lambda each: (each.kind is FindingKind.GOOD, -weight(each, case))))


def weight(finding: Finding, case: Case) -> float:
    """Return how much a finding has at stake, as a share: 1 is the whole call, or the whole limit."""
    if finding.stake is None:
        return 0.0
    if finding.stake.unit == MS:
        return finding.stake.value / max(case.result.timing.latency.p50, 1e-9)
    limit = EQUIVALENT if case.limits.max_drop is None else case.limits.max_drop
    return finding.stake.value / max(limit, LEAST_DROP)
