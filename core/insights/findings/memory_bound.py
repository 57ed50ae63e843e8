"""Layers that wait for memory: under the slanted roof, where fewer operations gain nothing."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.profile import LayerKind, LayerProfile, Profile
from core.insights.amounts import plural
from core.insights.bounds import Bound, level_of, standing
from core.insights.findings.remedies import quantized
from core.protocols.diagnostics import Case, Diagnostic

LEAST_SHARE = 0.2
"""Of a call that such layers take together."""
SAVED = {"FP32": 0.75, "BF16": 0.5, "FP16": 0.5, "INT8": 0.5}
"""Share of the bytes that weights in 8 bits save, in 4 bits for what is in 8."""


class MemoryBound(Diagnostic):
    """Needs a profile with a roofline; the model is that of Williams et al., see `core.domain.roofline`."""

    id = "memory_bound"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding for all layers that memory bounds."""
        profile = case.profile
        if profile is None or profile.roofline is None or not profile.latency_ms:
            return
        level = level_of(profile, profile.roofline)
        bound = [
            each
            for each in profile.layers
            if each.kind is LayerKind.COMPUTE
            and each.bytes
            and standing(each, profile.roofline, level).bound is Bound.MEMORY
        ]
        ms = sum(each.ms for each in bound)
        if ms >= LEAST_SHARE * profile.latency_ms:
            yield _found(case, profile, bound, ms)


def _found(case: Case, profile: Profile, bound: list[LayerProfile], ms: float) -> Finding:
    rate = sum(each.bytes or 0 for each in bound) / ms / 1e6
    saved = sum(each.ms * SAVED.get(each.precision, 0.5) for each in bound)
    heavy = max(bound, key=lambda each: each.ms)
    return Finding(
        "memory_bound",
        FindingKind.WARNING,
        f"{plural(len(bound), 'layer')} wait{'s' if len(bound) == 1 else ''} for memory for "
        f"{ms / profile.latency_ms:.0%} of the call, {heavy.name} the longest.",
        f"They move {rate:.3g} GB/s, near what this machine's memory gives them, and do too little with each "
        "byte: fewer operations gain nothing here.",
        "Fewer bytes do: weights in 8 or 4 bits, or more samples a call, which share the weights.",
        Figure(rate, "GB/s"),
        Figure(saved, MS),
        quantized(case),
    )


DIAGNOSTIC = MemoryBound()
