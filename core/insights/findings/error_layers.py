"""Layers that most of the error of a quantized network comes from, where that was measured layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.finding import POINTS, Figure, Finding, FindingKind
from core.domain.layer_errors import LayerErrors
from core.domain.run import Candidate
from core.domain.technique import Precision
from core.insights.findings.remedies import precision_of
from core.insights.judgement import loss
from core.protocols.diagnostics import Case, Diagnostic

MOST_OF_IT = 0.5
FEW = 0.25
"""Share of the layers that counts as few."""
NAMED = 3


class ErrorLayers(Diagnostic):
    """Needs the error behind each layer of the candidate, or one of each layer alone in INT8.

    The latter a technique of another candidate of the run may have told.
    """

    id = "error_layers"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding for a candidate that surely loses something."""
        lost = loss(case.result)
        if lost is None or lost.low <= 0:
            return
        unit = case.result.accuracy.scale.step if case.result.accuracy else POINTS
        own = [] if case.layer_errors is None else _grown(case.layer_errors)
        if carriers := _carriers(own):
            yield _seen(own, carriers, Figure(lost.value, unit))
            return
        if precision_of(case.candidate.recipe) is not Precision.INT8:
            return
        for other in sorted(case.others, key=lambda each: each.id != case.candidate.id):
            layers = _layers(case.details.get(other.id, {}))
            found = _carriers(layers)
            if found:
                yield _found(case, other, layers, found, Figure(lost.value, unit))
                return


def _grown(errors: LayerErrors) -> list[tuple[float, str]]:
    """Return what each layer adds to the power of the error and its name, the largest first."""
    return sorted(((each.grown, each.name) for each in errors.layers), reverse=True)


def _seen(layers: Sequence[tuple[float, str]], found: Sequence[tuple[float, str]], lost: Figure) -> Finding:
    share = sum(power for power, _ in found) / sum(power for power, _ in layers)
    return Finding(
        "error_layers",
        FindingKind.WARNING,
        f"{share:.0%} of the error arises in {len(found)} of {len(layers)} layers: {_named(found)}.",
        "Behind these layers it is much larger than in front of them, held against the network in float on "
        "the same samples.",
        "Leave them in float or in more bits, as Mixed precision does, or train with quantization.",
        Figure(100 * share, "%"),
        Figure(share * lost.value, lost.unit),
    )


def _named(found: Sequence[tuple[float, str]]) -> str:
    return ", ".join(name for _, name in found[:NAMED]) + (" and others" if len(found) > NAMED else "")


def _layers(details: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Return the error's power and the name of each layer, the largest first."""
    told = details.get("layers")
    if not isinstance(told, list) or not all("error_percent" in each for each in told):
        return []
    return sorted(((float(each["error_percent"]) ** 2, str(each["name"])) for each in told), reverse=True)


def _carriers(layers: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return the few layers that carry most of the error; none where it is spread."""
    whole, carried = sum(power for power, _ in layers), 0.0
    for count, (power, _) in enumerate(layers, start=1):
        carried += power
        if count > max(1, FEW * len(layers)):
            return []
        if whole and carried >= MOST_OF_IT * whole:
            return list(layers[:count])
    return []


def _found(
    case: Case,
    other: Candidate,
    layers: Sequence[tuple[float, str]],
    found: Sequence[tuple[float, str]],
    lost: Figure,
) -> Finding:
    share = sum(power for power, _ in found) / sum(power for power, _ in layers)
    mine = other.id == case.candidate.id
    spared = f"{other.name} leaves them in float."
    helped = "Train with quantization, or keep them in more bits." if mine else spared
    return Finding(
        "error_layers",
        FindingKind.WARNING,
        f"{len(found)} of {len(layers)} layers carry {share:.0%} of the error in INT8: {_named(found)}.",
        f"Each layer was measured alone in INT8, by {other.name}.",
        helped,
        Figure(100 * share, "%"),
        Figure(share * lost.value, lost.unit),
        None if mine else other.recipe,
    )


DIAGNOSTIC = ErrorLayers()
