"""Another setting of the same technique that was measured to lose less, or to be faster at no loss."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import POINTS, Figure, Finding, FindingKind
from core.domain.recipe import Recipe, Step
from core.domain.run import Candidate
from core.insights.judgement import loss
from core.protocols.diagnostics import Case, Diagnostic


class Settings(Diagnostic):
    """Holds a candidate against those of its run that differ in the parameters of one step only."""

    id = "settings"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield the sibling that surely loses less and is surely not slower."""
        mine, speed = loss(case.result), case.result.timing.speedup
        if mine is None or case.is_baseline:
            return
        better: list[tuple[float, Candidate, Step]] = []
        for other in case.others:
            step = _changed(case.candidate.recipe, other.recipe)
            theirs = loss(other.result) if other.result is not None else None
            if step is None or other.result is None or theirs is None or theirs.high >= mine.low:
                continue
            if other.result.timing.speedup.high >= speed.low:
                better.append((mine.value - theirs.value, other, step))
        if better:
            less, other, _ = max(better, key=lambda found: found[0])
            unit = case.result.accuracy.scale.step if case.result.accuracy else POINTS
            yield Finding(
                "better_setting",
                FindingKind.NOTE,
                f"{other.name} differs in one setting only and loses {less:.2g} {unit} less, "
                "as fast or faster as far as can be told.",
                "Where other ranges or another scope lose less, a few outliers or a few layers make most of "
                "the error.",
                "Take that one.",
                Figure(less, unit),
                Figure(less, unit),
                other.recipe,
            )


def _changed(one: Recipe, other: Recipe) -> Step | None:
    """Return the only step of `other` whose parameters differ from those in `one`, or None."""
    if one.target != other.target or len(one.steps) != len(other.steps):
        return None
    pairs = list(zip(one.steps, other.steps, strict=True))
    differing = [theirs for mine, theirs in pairs if mine != theirs]
    same_passes = all(mine.pass_id == theirs.pass_id for mine, theirs in pairs)
    return differing[0] if same_passes and len(differing) == 1 else None


DIAGNOSTIC = Settings()
