"""Layers left in float by a technique that lowers the precision, and the time that they take."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.profile import LayerKind, LayerProfile, Profile
from core.insights.amounts import plural
from core.insights.findings.remedies import precision_of, precisions_of, with_remainder
from core.protocols.diagnostics import Case, Diagnostic

FLOAT = frozenset({"FP32", "FP64"})
LEAST_SHARE = 0.05
"""Of a call: below it, float layers are not what makes it slow."""
NAMED = 3


class FloatLayers(Diagnostic):
    """Needs a profile for the time; without one it counts nodes."""

    id = "float_layers"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding where a recipe that lowers the precision left layers with products in float."""
        wanted = precision_of(case.candidate.recipe)
        if wanted is None:
            return
        if case.profile is None:
            # Where there are two, what is left runs in the other one: only a profile tells whether it does.
            if len(precisions_of(case.candidate.recipe)) == 1:
                yield from _counted(case)
            return
        left = [
            each
            for each in case.profile.layers
            if each.kind is LayerKind.COMPUTE and each.precision in FLOAT and each.macs
        ]
        ms = sum(each.ms for each in left)
        share = ms / case.profile.latency_ms if case.profile.latency_ms else 0.0
        if share >= LEAST_SHARE:
            yield _timed(case, case.profile, left, ms, str(wanted))


def _timed(case: Case, profile: Profile, left: list[LayerProfile], ms: float, wanted: str) -> Finding:
    share, faster = ms / profile.latency_ms, _ratio(profile, wanted)
    named = ", ".join(each.name for each in sorted(left, key=lambda each: -each.ms)[:NAMED])
    more = "" if len(left) <= NAMED else " and others"
    told = "" if faster is None else f" {wanted} computes up to {faster:.1f}x as fast on this machine."
    recipe = with_remainder(case)
    return Finding(
        "float_layers",
        FindingKind.WARNING,
        f"{plural(len(left), 'layer')} with products still {'runs' if len(left) == 1 else 'run'} in FP32 and "
        f"take{'s' if len(left) == 1 else ''} {share:.0%} of the call: {named}{more}.",
        f"The technique or the runtime did not lower them to {wanted}.{told}",
        "Let BF16 or FP16 take what is left in float."
        if recipe
        else "Look whether they were kept in float on purpose, or whether another runtime lowers them.",
        Figure(100 * share, "%"),
        Figure(ms * (1 - 1 / faster) if faster is not None and faster > 1 else ms, MS),
        recipe,
    )


def _ratio(profile: Profile, precision: str) -> float | None:
    """Return how much faster the machine computes in a precision than in FP32, as measured."""
    roofs = profile.roofline.compute if profile.roofline else {}
    if precision not in roofs or "FP32" not in roofs:
        return None
    return roofs[precision].value / roofs["FP32"].value


def _counted(case: Case) -> Iterator[Finding]:
    """Yield how many nodes stayed in float, as the last technique that quantized counted them."""
    counts = [(each.details.get("quantized"), each.details.get("float")) for each in case.chain]
    for done, left in reversed(counts):
        if isinstance(done, int) and isinstance(left, int) and done > 0:
            if left > 0:
                yield Finding(
                    "float_layers",
                    FindingKind.NOTE,
                    f"{left} of {left + done} compute nodes stayed in float.",
                    "They take as long as before, and at their borders tensors are converted.",
                    "Profile its layers to see what that costs; BF16 for the remainder shortens them where "
                    "the processor has it.",
                    Figure(100 * left / (left + done), "%"),
                    recipe=with_remainder(case),
                )
            return


DIAGNOSTIC = FloatLayers()
