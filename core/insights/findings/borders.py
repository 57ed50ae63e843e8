"""Conversions between number formats and memory layouts: time that computes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.profile import LayerKind
from core.insights.amounts import plural
from core.protocols.diagnostics import Case, Diagnostic

LEAST_SHARE = 0.05
"""Of a call: every quantized model converts its inputs and outputs."""


class Borders(Diagnostic):
    """Needs a profile."""

    id = "borders"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding for number formats and one for layouts, where they take time."""
        profile = case.profile
        if profile is None or not profile.latency_ms:
            return
        ms, count = profile.ms_of(LayerKind.QUANTIZE), profile.count(LayerKind.QUANTIZE)
        if ms >= LEAST_SHARE * profile.latency_ms:
            yield Finding(
                "conversions",
                FindingKind.WARNING,
                f"{plural(count, 'conversion')} between number formats take{'s' if count == 1 else ''} "
                f"{ms / profile.latency_ms:.0%} of the call.",
                f"The precision changes {plural(profile.transitions, 'time')} along the network: at each "
                "border tensors are quantized or dequantized.",
                "Fewer borders cost less: leave the layers between two of them in float as well, or bring "
                "those in float between layers in INT8 to INT8.",
                Figure(100 * ms / profile.latency_ms, "%"),
                Figure(ms, MS),
            )
        ms, count = profile.ms_of(LayerKind.REORDER), profile.count(LayerKind.REORDER)
        if ms >= LEAST_SHARE * profile.latency_ms:
            yield Finding(
                "reorders",
                FindingKind.WARNING,
                f"{plural(count, 'reorder')} of memory layouts take{'s' if count == 1 else ''} "
                f"{ms / profile.latency_ms:.0%} of the call.",
                "Neighbouring kernels want their tensors laid out differently, so the runtime copies them.",
                "Export with the channels last, or try a runtime with one layout for all these operators.",
                Figure(100 * ms / profile.latency_ms, "%"),
                Figure(ms, MS),
            )


DIAGNOSTIC = Borders()
