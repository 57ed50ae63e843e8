"""Range outliers of activations: values so large that the others of their tensor share a few levels."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

from core.domain.finding import POINTS, Figure, Finding, FindingKind
from core.domain.technique import Precision
from core.insights.amounts import plural
from core.insights.findings.remedies import precisions_of
from core.insights.judgement import loss
from core.protocols.diagnostics import Case, Diagnostic

FAR = 48.0
"""Times the root mean square: normally distributed values reach 4 to 6 times that, rectified ones 8."""
USUAL = 6.0
LEAST_SHARE = 0.1
"""Of all growth of the error that arises at such a tensor: outliers that cost nothing are no finding."""
NAMED = 3


class ActivationOutliers(Diagnostic):
    """Needs the error behind each layer, beside which the reach of its values is noted."""

    id = "activation_outliers"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding for a candidate in INT8 that surely loses something where values reach far."""
        lost = loss(case.result)
        if lost is None or lost.low <= 0 or case.layer_errors is None:
            return
        if Precision.INT8 not in precisions_of(case.candidate.recipe):
            return
        layers = case.layer_errors.layers
        whole = sum(each.grown for each in layers)
        far = sorted(
            (each for each in layers if (each.reach or 0.0) >= FAR and each.grown > 0),
            key=lambda each: -each.grown,
        )
        share = sum(each.grown for each in far) / whole if whole else 0.0
        if share < LEAST_SHARE:
            return
        reach = max(each.reach or 0.0 for each in far)
        names = ", ".join(each.name for each in far[:NAMED]) + (" and others" if len(far) > NAMED else "")
        unit = case.result.accuracy.scale.step if case.result.accuracy else POINTS
        yield Finding(
            "activation_outliers",
            FindingKind.WARNING,
            f"Values behind {plural(len(far), 'layer')} reach up to {reach:,.0f} times their usual size, and "
            f"{share:.0%} of the error arises there: {names}.",
            "One range must hold all values of a tensor, so that the usual ones have few of its 256 levels: "
            f"about {log2(reach / USUAL):.0f} of 8 bits are lost there.",
            "Clip the range (calibration by percentile, entropy or least error), leave these layers in "
            "float, or train with quantization.",
            Figure(reach, "x"),
            Figure(share * lost.value, unit),
        )


DIAGNOSTIC = ActivationOutliers()
