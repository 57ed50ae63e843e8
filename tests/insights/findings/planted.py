"""Planted problems: profiles and candidates made by hand, each with one thing wrong."""

from __future__ import annotations

from typing import Any

from core.domain.finding import Finding
from core.domain.profile import LayerKind, LayerProfile, Profile
from core.domain.recipe import Artifact, Step
from core.domain.roofline import Ceiling, Roofline
from core.domain.run import Candidate, Result
from core.insights.findings import findings
from core.protocols import Case
from tests.factories import ENVIRONMENT, candidate, result

INT8 = (Step("int8_static_ort"),)


def ceiling(value: float) -> Ceiling:
    return Ceiling(value, value, value, "a product")


ROOFLINE = Roofline(
    1,
    {"FP32": ceiling(40.0), "BF16": ceiling(80.0), "INT8": ceiling(160.0)},
    {"L2": ceiling(100.0), "DRAM": ceiling(10.0)},
    ENVIRONMENT,
    {"L2": 1 << 20},
)


def layer(name: str, ms: float, precision: str = "INT8", **known: Any) -> LayerProfile:
    return LayerProfile(name, known.pop("operator", "Convolution"), ms, precision=precision, **known)


def profile(
    *layers: LayerProfile, latency_ms: float | None = None, roofline: Roofline | None = None
) -> Profile:
    whole = latency_ms or sum(each.ms for each in layers)
    return Profile("onnxruntime", layers, whole, whole, 1, 1, 100, ENVIRONMENT, roofline)


def case(
    layers: Profile | None = None,
    figures: Result | None = None,
    steps: tuple[Step, ...] = INT8,
    chain: tuple[Artifact, ...] = (),
    **known: Any,
) -> Case:
    """Return a candidate of 5 ms, which is twice as fast as the baseline and surely loses nothing."""
    figures = figures or result(drop=(0.0, -0.1, 0.1))
    each: Candidate = candidate("c", figures, steps=steps)
    return Case(each, figures, chain, profile=layers, **known)


def found(known: Case) -> list[Finding]:
    return list(findings(known))


def ids(known: Case) -> list[str]:
    return [each.id for each in findings(known)]


__all__ = ["INT8", "ROOFLINE", "LayerKind", "case", "found", "ids", "layer", "profile"]
