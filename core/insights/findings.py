"""Diagnostics of a candidate: why it is, or is not, faster, smaller or accurate."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.finding import Finding
from core.domain.measurement import Accuracy, Doubt, Interval
from core.domain.recipe import Artifact
from core.domain.run import Candidate, Limits, Result
from core.insights.judgement import plural, samples_in_all
from core.insights.sentences import missed_control, why_unstable
from core.registry import passes

EQUIVALENT = 1.0
"""Points within which two accuracies count as one where the person set no limit."""


def _timing(result: Result) -> list[Finding]:
    timing, found = result.timing, []
    if timing.unstable:
        few = timing.doubt is Doubt.FEW_ROUNDS
        advice = "give it more time" if few else "measure again on a quiet machine"
        found.append(Finding("warning", f"Unstable: {why_unstable(timing)}; {advice}."))
    load, cores = max(timing.environment.load_before, timing.environment.load_after), timing.environment.cores
    if load > cores:
        found.append(
            Finding(
                "note", f"The machine was busy while this was measured: load {load:.1f} on {cores} cores."
            )
        )
    return found


def _techniques(candidate: Candidate, result: Result, chain: Sequence[Artifact]) -> list[Finding]:
    """Return what the techniques of a candidate say themselves of their part in the figures."""
    details = {repr(each.step): each.details for each in chain}
    known = [(passes().get(step.pass_id), details.get(repr(step), {})) for step in candidate.recipe.steps]
    return [
        finding
        for technique, done in known
        if technique is not None
        for finding in technique.findings(done, result)
    ]


def _accuracy(result: Result, limits: Limits) -> list[Finding]:
    accuracy = result.accuracy
    if accuracy is None:
        return []
    if accuracy.drop.low > 0:
        proof = f"its whole interval lies above zero (McNemar p = {accuracy.mcnemar_p:.2g})"
        return [Finding("note", f"The drop is real: {proof}.")]
    if accuracy.drop.high < 0:
        return [Finding("good", "It is really more accurate than the original on these samples.")]
    limit = EQUIVALENT if limits.max_drop is None else limits.max_drop
    seen = f"on {accuracy.samples:,} samples ({plural(accuracy.flips, 'flip')})"
    if accuracy.drop.high <= limit:
        return [Finding("good", f"No drop of more than {plural(limit, 'point')}: {_reach(accuracy)} {seen}.")]
    needed = samples_in_all(accuracy, limit)
    advice = f"; about {needed:,} would be needed" if needed else ""
    unknown = f"Too few samples to tell whether it loses more than {plural(limit, 'point')}"
    return [Finding("note", f"{unknown}: {_reach(accuracy)} {seen}{advice}.")]


def _reach(accuracy: Accuracy) -> str:
    low, high = (f"{-end:+.1f}".replace("-", "−") for end in (accuracy.drop.high, accuracy.drop.low))
    return f"the change lies between {low} and {high} points"


def findings(
    candidate: Candidate,
    chain: Sequence[Artifact],
    control: Interval | None = None,
    limits: Limits | None = None,
) -> tuple[Finding, ...]:
    """Return what is worth knowing about a measured candidate.

    Args:
        candidate: With its result; an unmeasured one has no findings.
        chain: Its artifact and those it was made of.
        control: The run's A/A speed-up; one that misses 1 casts doubt on all figures of the run.
        limits: Whose largest drop counts as no difference; by default those of a new run.
    """
    result = candidate.result
    if result is None:
        return ()
    found = [*_timing(result), *_techniques(candidate, result, chain)]
    if candidate.position > 0:
        found += _accuracy(result, limits or Limits())
    missed = missed_control(control)
    return tuple(dict.fromkeys([*found, Finding("warning", missed)] if missed else found))
