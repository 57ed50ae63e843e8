"""What bounds a layer or a whole candidate: computing, memory, or neither; by the roofline of its machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.domain.profile import LayerProfile, Profile
from core.domain.roofline import Roofline

NEAR, FAR, MUCH = 0.6, 0.35, 0.25
"""Share of a roof that is near it, share below which it is not the bound, and much of a call."""


SHORT_MS = 2e-3
"""Layers below are not judged: profilers count in microseconds."""


class Bound(StrEnum):
    """What bounds a layer."""

    COMPUTE = "compute"
    """Multiply-accumulates: only fewer of them, or a smaller number format, can help."""
    MEMORY = "memory"
    """Bytes that are read and written."""
    NEITHER = "neither"
    """It stays well below both: starting it, its shape or its kernel costs more."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Standing:
    """Where a layer stands under the roofs.

    Attributes:
        bound: What bounds it.
        share: Of what the lower roof allows, 0 to 1 and a little above; None where that is unknown.
        level: Of memory whose bandwidth was taken.
    """

    bound: Bound
    share: float | None = None
    level: str = ""


def level_of(profile: Profile, roofs: Roofline) -> str:
    """Return the level of memory that a candidate's layers read from.

    It is the fastest that holds all weights beside what the largest layer moves: they come by once in every
    call, and what does not fit is gone when its turn comes again.
    """
    weights = sum(layer.parameters or 0 for layer in profile.layers)
    size = {"INT8": 1, "BF16": 2, "FP16": 2}.get(next(iter(profile.by_precision()), ""), 4)
    return roofs.level(weights * size + max((layer.bytes or 0 for layer in profile.layers), default=0))


def standing(layer: LayerProfile, roofs: Roofline | None, level: str) -> Standing:
    """Return where a layer stands under the roofs."""
    if roofs is None or level not in roofs.bandwidth or layer.bandwidth is None or layer.ms < SHORT_MS:
        return Standing(Bound.UNKNOWN)
    if layer.rate is None or layer.intensity is None:
        share = layer.bandwidth / roofs.bandwidth[level].value
        return Standing(Bound.MEMORY if share >= FAR else Bound.NEITHER, share, level)
    roof = roofs.attainable(layer.intensity, layer.precision, level)
    ridge = roofs.ridge(layer.precision, level)
    if roof is None or ridge is None:
        return Standing(Bound.UNKNOWN)
    share = layer.rate / roof
    bound = Bound.COMPUTE if layer.intensity >= ridge else Bound.MEMORY
    return Standing(bound if share >= FAR else Bound.NEITHER, share, level)


def reached(profile: Profile) -> float | None:
    """Return what share of its time a candidate would need with every layer at its roof; None if unknown."""
    roofs = profile.roofline
    if roofs is None or not profile.latency_ms:
        return None
    level, ideal = level_of(profile, roofs), 0.0
    for layer in profile.layers:
        share = standing(layer, roofs, level).share
        ideal += layer.ms * min(1.0, share or 0.0)
    return ideal / profile.latency_ms


def verdict(profile: Profile) -> str:
    """Return in one sentence what can still make a candidate faster."""
    if profile.overhead_share >= MUCH:
        return (
            f"{profile.overhead_share:.0%} of a call passes outside of its layers: larger batches or another "
            "runtime can help, faster layers hardly."
        )
    roofs, share = profile.roofline, reached(profile)
    if roofs is None or share is None:
        return "The roofline of this machine is not known, so nothing says how far these layers are from it."
    level, by_bound = level_of(profile, roofs), dict.fromkeys(Bound, 0.0)
    for layer in profile.layers:
        by_bound[standing(layer, roofs, level).bound] += layer.ms
    main = max(by_bound, key=lambda bound: by_bound[bound])
    part = by_bound[main] / max(profile.sum_ms, 1e-12)
    precision = next(iter(profile.by_precision()), "")
    cores = "this core" if profile.threads == 1 else f"these {profile.threads} cores"
    if main is Bound.COMPUTE and share >= NEAR:
        way = "only fewer operations can help now"
        if precision in ("FP32", "BF16") and any(each in roofs.compute for each in _smaller(precision)):
            way = "fewer operations or a smaller number format can help now"
        return f"At {share:.0%} of what {cores} can do in {precision}: {way}."
    if main is Bound.MEMORY:
        return (
            f"{part:.0%} of the layers' time is bound by memory ({level}): fewer bytes can help, by smaller "
            "number formats or fused layers, but not fewer operations."
        )
    if main is Bound.UNKNOWN:
        return "What most layers compute or move is not known, so nothing says what bounds them."
    return (
        f"At {share:.0%} of what {cores} can do for these layers: many are too small or of a shape that "
        "their kernels do not fill, so fewer and larger layers, a larger batch or another runtime can help."
    )


def _smaller(precision: str) -> tuple[str, ...]:
    return ("BF16", "INT8") if precision == "FP32" else ("INT8",)
