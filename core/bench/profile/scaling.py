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

    A profiler slows a call, by about as much for each layer. What the calls took longer with it is taken off
    the layers in equal parts, no more than the shortest has, since some of it falls between them. Where calls
    took less with it the machine was faster for them, and the layers' times grow by as much. Layers that took
    longer in sum than the call, as those that run side by side, are its whole time.

    Args:
        layers: With the mean milliseconds of a call with the profiler.
        plain_ms: Milliseconds of the calls without it.
        profiled_ms: Milliseconds of the calls with it.
    """
    latency, slowed = median(plain_ms), median(profiled_ms)
    if not layers or min(latency, slowed) <= 0:
        return tuple(layers)
    usual = slowed / fmean(profiled_ms)  # of an undisturbed call, such as the medians are
    each_ms = [usual * layer.ms for layer in layers]
    spent = min(max(0.0, slowed - latency) / len(layers), *each_ms)
    each_ms = [max(1.0, latency / slowed) * (ms - spent) for ms in each_ms]
    factor = min(1.0, latency / max(sum(each_ms), 1e-12))
    return tuple(
        replace(layer, ms=factor * ms, share=factor * ms / latency)
        for layer, ms in zip(layers, each_ms, strict=True)
    )
