"""Diagnostics of a candidate: why it is, or is not, faster, smaller or accurate."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.finding import Finding
from core.domain.measurement import Doubt, Interval
from core.domain.quality import Accuracy
from core.domain.recipe import Artifact
from core.domain.run import Candidate, Limits, Result
from core.insights.amounts import limit_words, plural, range_words
from core.insights.judgement import samples_in_all
from core.insights.sentences import crowded, missed_control, why_unstable
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
    if timing.crowded:
        found.append(Finding("note", crowded(timing)))
    elif load > cores:
        busy = f"The machine was busy while this was measured: load {load:.1f} on {cores} cores."
        found.append(Finding("note", busy))
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
    accuracy, evaluation = result.accuracy, result.evaluation
    if evaluation is not None and evaluation.stopped:
        return [Finding("warning", f"{evaluation.stopped} The figures of quality are rough.")]
    if accuracy is None:
        return []
    if accuracy.drop.low > 0:
        p = accuracy.mcnemar_p
        proof = "its whole interval lies above zero" + ("" if p is None else f" (McNemar p = {p:.2g})")
        return [Finding("note", f"The drop is real: {proof}.")]
    if accuracy.drop.high < 0:
        better = f"really better in {accuracy.scale.name} than the original"
        return [Finding("good", f"It is {better} on these samples.")]
    return [_equivalence(accuracy, EQUIVALENT if limits.max_drop is None else limits.max_drop)]


def _equivalence(accuracy: Accuracy, limit: float) -> Finding:
    """Say whether the samples suffice to tell that there is no drop beyond `limit`."""
    flips = "" if accuracy.flips is None else f" ({plural(accuracy.flips, 'flip')})"
    unit = f" {accuracy.scale.step}" if accuracy.scale.step else ""
    reach = f"the change lies between {range_words(accuracy, ' and ')}{unit}"
    seen, words = f"{reach} on {accuracy.samples:,} samples{flips}", limit_words(limit, accuracy.scale)
    if accuracy.drop.high <= limit:
        return Finding("good", f"No drop of more than {words}: {seen}.")
    needed = samples_in_all(accuracy, limit)
    advice = f"; about {needed:,} would be needed" if needed else ""
    return Finding("note", f"Too few samples to tell whether it loses more than {words}: {seen}{advice}.")


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
