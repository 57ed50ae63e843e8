"""Instructions that this processor lacks: BF16 for layers in float, a matrix unit for the others."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.profile import LayerKind, LayerProfile, Profile
from core.insights.bounds import NEAR, Bound, level_of, standing
from core.protocols.diagnostics import Case, Diagnostic
from core.registry import passes

FLOAT = frozenset({"FP32", "FP64"})
LEAST_SHARE = 0.3
"""Of a call that such layers take together."""
BF16_GAIN = 2.0
"""Products of BF16 in the place of one of FP32: half the bits, so twice as many in a vector."""
MATRIX_UNIT = {"INT8": ("amx_int8", 8.0), "BF16": ("amx_bf16", 8.0)}
"""AMX's set for a precision, and its products in a cycle by those of vectors: 2,048 against 256 in INT8.

Source: Intel, "Accelerate Artificial Intelligence Workloads with Intel Advanced Matrix Extensions", 2022.
"""
VECTORS = "avx512f"
"""AMX exists beside AVX-512 only."""


class Instructions(Diagnostic):
    """Needs a profile, whose layers tell in which precision they really compute."""

    id = "instructions"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding for layers in float without BF16, and one for those at the roof of vectors."""
        profile, environment = case.profile, case.result.timing.environment
        if profile is None or not profile.latency_ms:
            return
        computing = [each for each in profile.layers if each.kind is LayerKind.COMPUTE and each.macs]
        ms = sum(each.ms for each in computing if each.precision in FLOAT)
        lowers = any(technique.remainder(environment) for technique in passes().values())
        if not lowers and ms >= LEAST_SHARE * profile.latency_ms:
            yield _no_bf16(ms, profile)
        for precision, (name, gain) in MATRIX_UNIT.items():
            near = [each for each in computing if each.precision == precision and _at_roof(each, profile)]
            ms = sum(each.ms for each in near)
            lacks = VECTORS in environment.isa and name not in environment.isa
            if lacks and ms >= LEAST_SHARE * profile.latency_ms:
                yield _no_matrix_unit(precision, ms, gain, profile)


def _at_roof(layer: LayerProfile, profile: Profile) -> bool:
    roofs = profile.roofline
    if roofs is None:
        return False
    found = standing(layer, roofs, level_of(profile, roofs))
    return found.bound is Bound.COMPUTE and (found.share or 0.0) >= NEAR


def _no_bf16(ms: float, profile: Profile) -> Finding:
    return Finding(
        "no_bf16_instructions",
        FindingKind.NOTE,
        f"This processor has no BF16 instructions (AVX512-BF16 or AMX), and layers in FP32 take "
        f"{ms / profile.latency_ms:.0%} of the call.",
        f"With them such layers compute {BF16_GAIN:.0f} products in the place of one, at hardly any loss.",
        "Lower them to INT8, or measure on a machine with these instructions if that is where it will run.",
        Figure(100 * ms / profile.latency_ms, "%"),
        Figure(ms * (1 - 1 / BF16_GAIN), MS),
    )


def _no_matrix_unit(precision: str, ms: float, gain: float, profile: Profile) -> Finding:
    return Finding(
        f"no_matrix_unit_{precision.lower()}",
        FindingKind.NOTE,
        f"Layers in {precision} that take {ms / profile.latency_ms:.0%} of the call are near what this "
        "processor's vectors can do.",
        f"A matrix unit (AMX) computes {gain:.0f} times as many products of {precision} in a cycle; this "
        "processor has none.",
        "Only fewer operations help here; on a machine with AMX these layers are where it gains most.",
        Figure(100 * ms / profile.latency_ms, "%"),
        Figure(ms * (1 - 1 / gain), MS),
    )


DIAGNOSTIC = Instructions()
