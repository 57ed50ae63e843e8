"""Overhead of the runtime: the part of a call that is spent outside of kernels."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.profile import LayerKind
from core.insights.amounts import plural
from core.protocols.diagnostics import Case, Diagnostic

LEAST_SHARE = 0.2
"""Of a call."""
TOO_SLOW = 1.5
"""A profiler that slows calls down more than this tells too little of what is outside of kernels."""


class Overhead(Diagnostic):
    """Needs a profile that hardly slows the calls down."""

    id = "overhead"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding where much of a call is in no layer."""
        profile = case.profile
        if profile is None or not profile.latency_ms or profile.slowdown > TOO_SLOW:
            return
        ms = profile.overhead_ms + profile.ms_of(LayerKind.OVERHEAD)
        share = ms / profile.latency_ms
        if share < LEAST_SHARE:
            return
        fewer = "With so little work to share, one thread may be faster. " if profile.threads > 1 else ""
        yield Finding(
            "overhead",
            FindingKind.WARNING,
            f"{share:.0%} of a call of {profile.latency_ms:.3g} ms is spent outside of kernels.",
            f"{plural(len(profile.layers), 'layer')} are so short that starting them, moving inputs and "
            "outputs and waiting for threads counts: faster arithmetic gains little.",
            f"{fewer}More samples a call share it; a compiled runtime that fuses layers, or fewer layers, "
            "shorten it.",
            Figure(100 * share, "%"),
            Figure(ms, MS),
        )


DIAGNOSTIC = Overhead()
