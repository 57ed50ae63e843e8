"""Layers that wait for memory: under the slanted roof, where fewer operations gain nothing."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.profile import LayerKind, LayerProfile, Profile
from core.domain.roofline import Roofline
from core.insights.amounts import plural
from core.insights.findings.remedies import quantized
from core.protocols.diagnostics import Case, Diagnostic

LEAST_SHARE = 0.2
"""Of a call that such layers take together."""
NEAR = 0.5
"""Share of the memory's measured bandwidth from which on a layer waits for it."""
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
        bound = [each for each in profile.layers if _waits(each, profile.roofline)]
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


def _waits(layer: LayerProfile, roofline: Roofline) -> bool:
    """Whether a layer is left of the ridge and near the bandwidth of the memory that holds its data."""
    if layer.kind is not LayerKind.COMPUTE or not layer.bytes or layer.bandwidth is None:
        return False
    level = roofline.level(layer.bytes)
    ridge, roof = roofline.ridge(layer.precision or "FP32", level), roofline.bandwidth.get(level)
    if roof is None or (layer.macs and (ridge is None or layer.macs / layer.bytes >= ridge)):
        return False
    return layer.bandwidth >= NEAR * roof.value


DIAGNOSTIC = MemoryBound()
