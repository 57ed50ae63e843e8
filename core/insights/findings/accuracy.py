"""Change of accuracy: real, none beyond the limit, or too few samples to tell."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import Figure, Finding, FindingKind
from core.domain.quality import Accuracy
from core.insights.amounts import limit_words, plural, range_words
from core.insights.judgement import samples_in_all
from core.protocols.diagnostics import Case, Diagnostic

EQUIVALENT = 1.0
"""Points within which two accuracies count as one where the person set no limit."""


class AccuracyChange(Diagnostic):
    """Says how far the change of accuracy can be trusted."""

    id = "accuracy_change"
    order = 200

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one verdict for a candidate with labels."""
        accuracy, evaluation, limits = case.result.accuracy, case.result.evaluation, case.limits
        if case.is_baseline:
            return
        if evaluation is not None and evaluation.stopped:
            rough = "The figures of quality are rough."
            share = Figure(100 * evaluation.rows / max(1, evaluation.planned), "%")
            yield Finding("stopped_early", FindingKind.WARNING, evaluation.stopped, rough, figure=share)
        elif accuracy is not None:
            yield _change(accuracy, EQUIVALENT if limits.max_drop is None else limits.max_drop)


def _change(accuracy: Accuracy, limit: float) -> Finding:
    figure = Figure(accuracy.change.value, accuracy.scale.step)
    if accuracy.drop.low > 0:
        p = accuracy.mcnemar_p
        proof = "Its whole 95 % interval lies above zero" + ("" if p is None else f" (McNemar p = {p:.2g})")
        return Finding("real_drop", FindingKind.NOTE, "The drop is real.", f"{proof}.", figure=figure)
    if accuracy.drop.high < 0:
        seen = f"It is really better in {accuracy.scale.name} than the original on these samples."
        return Finding("real_gain", FindingKind.GOOD, seen, figure=figure)
    return _equivalence(accuracy, limit, figure)


def _equivalence(accuracy: Accuracy, limit: float, figure: Figure) -> Finding:
    """Say whether the samples suffice to tell that there is no drop beyond `limit`."""
    flips = "" if accuracy.flips is None else f" ({plural(accuracy.flips, 'flip')})"
    unit = f" {accuracy.scale.step}" if accuracy.scale.step else ""
    reach = f"The change lies between {range_words(accuracy, ' and ')}{unit}"
    why, words = f"{reach} on {accuracy.samples:,} samples{flips}.", limit_words(limit, accuracy.scale)
    if accuracy.drop.high <= limit:
        return Finding("no_drop", FindingKind.GOOD, f"No drop of more than {words}.", why, figure=figure)
    needed = samples_in_all(accuracy, limit)
    advice = f"About {needed:,} labelled samples would be needed." if needed else ""
    seen = f"Too few samples to tell whether it loses more than {words}."
    return Finding("few_samples", FindingKind.NOTE, seen, why, advice, figure)


DIAGNOSTIC = AccuracyChange()
