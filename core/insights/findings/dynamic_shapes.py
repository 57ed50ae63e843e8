"""Dynamic shapes: sizes that are worked out in every call, between layers that could be fused."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.model import SourceModel
from core.insights.amounts import plural
from core.protocols.diagnostics import Case, Diagnostic

SHAPES = frozenset({"shape", "shapeof", "size", "nonzero", "range", "constantofshape", "sym_size"})
"""Operators that work out a size and nothing else, in lower case and without a namespace."""
LEAST_SHARE = 0.02
"""Of a call."""


class DynamicShapes(Diagnostic):
    """Needs a profile, whose layers tell that sizes are worked out while it runs."""

    id = "dynamic_shapes"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding where a model of dynamic shapes computes sizes in every call."""
        profile, free = case.profile, _free(case.model)
        if profile is None or not profile.layers or not free:
            return
        sizes = [each for each in profile.layers if _plain(each.operator) in SHAPES]
        part = len(sizes) / len(profile.layers)
        ms = sum(each.ms for each in sizes) + part * profile.overhead_ms
        if not sizes or ms < LEAST_SHARE * profile.latency_ms:
            return
        yield Finding(
            "dynamic_shapes",
            FindingKind.WARNING,
            f"Shapes are worked out in every call, by {plural(len(sizes), 'layer')}: with what it costs to "
            f"start them, {ms / profile.latency_ms:.0%} of it.",
            f"The size of {', '.join(free)} is left open, so that the runtime can neither fold these layers "
            "away nor fuse those around them.",
            "Export with fixed sizes where the inputs have one size, or fix them with Fixed inputs.",
            Figure(len(sizes), "layers"),
            Figure(ms, MS),
        )


def _free(model: SourceModel | None) -> list[str]:
    """Return the dimensions besides the batch that a model leaves open."""
    if model is None:
        return []
    found = (size for spec in model.inputs for size in spec.shape if isinstance(size, str))
    return list(dict.fromkeys(size for size in found if size != model.batch_symbol))


def _plain(operator: str) -> str:
    return operator.rpartition("::")[2].lower()


DIAGNOSTIC = DynamicShapes()
