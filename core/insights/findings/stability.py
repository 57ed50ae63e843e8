"""Doubts about the speed-up itself: unstable, on a busy machine, or in a run whose control misses 1."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.measurement import Doubt, Timing
from core.insights.sentences import crowded, missed_control, why_unstable
from core.protocols.diagnostics import Case, Diagnostic


class Stability(Diagnostic):
    """Says what casts doubt on the times."""

    id = "stability"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield a doubt each; what is at stake is the time that is in doubt."""
        timing, p50 = case.result.timing, case.result.timing.latency.p50
        if timing.unstable:
            yield _unstable(timing)
        load = max(timing.environment.load_before, timing.environment.load_after)
        if timing.crowded:
            share = Figure(100 * timing.taken, "%")
            quiet = "Measure again when nothing else runs."
            stake = Figure(timing.taken * p50, MS)
            yield Finding("busy", FindingKind.NOTE, crowded(timing), "", quiet, share, stake)
        elif load > timing.environment.cores:
            cores = timing.environment.cores
            seen = f"The machine was busy while this was measured: load {load:.1f} on {cores} cores."
            yield Finding("busy", FindingKind.NOTE, seen, figure=Figure(load))
        if case.control is not None and (missed := missed_control(case.control)):
            off = abs(case.control.value - 1)
            advice = "Measure again on a quiet machine, or with more time for each candidate."
            figure, stake = Figure(case.control.value, "x"), Figure(off * p50, MS)
            yield Finding("control", FindingKind.WARNING, missed, "", advice, figure, stake)


def _unstable(timing: Timing) -> Finding:
    half = (timing.speedup.high - timing.speedup.low) / max(timing.speedup.value, 1e-9) / 2
    few = timing.doubt is Doubt.FEW_ROUNDS
    advice = "Give it more time." if few else "Measure again on a quiet machine."
    seen, stake = f"Unstable: {why_unstable(timing)}.", Figure(half * timing.latency.p50, MS)
    return Finding("unstable", FindingKind.WARNING, seen, "", advice, Figure(100 * half, "%"), stake)


DIAGNOSTIC = Stability()
