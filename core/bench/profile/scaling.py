"""Times of layers as the profiler saw them, brought to the time of a call without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, median

from core.domain.profile import LayerProfile


def scaled(
    layers: Sequence[LayerProfile], plain_ms: Sequence[float], profiled_ms: Sequence[float]
) -> tuple[LayerProfile, ...]:
    """Return `layers` with the milliseconds and the share that each has of a call without the profiler.

    A profiler slows a call, mostly outside of its layers, and by as much for a small layer as for a large
    one. What a layer had of the calls with it is taken as its share; the rest of the call is overhead. Where
    layers that ran side by side took longer in sum than the call, they are its whole time.

    Args:
        layers: With the mean milliseconds of a call with the profiler.
        plain_ms: Milliseconds of the calls without it.
        profiled_ms: Milliseconds of the calls with it.
    """
    latency, whole = median(plain_ms), max(fmean(profiled_ms), sum(layer.ms for layer in layers))
    if whole <= 0:
        return tuple(layers)
    return tuple(replace(each, ms=latency * each.ms / whole, share=each.ms / whole) for each in layers)
