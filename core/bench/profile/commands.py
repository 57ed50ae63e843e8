"""Commands of a profiling process: what its parent asks, and what it answers."""

from __future__ import annotations

import msgspec

from core.bench.timing.commands import Open
from core.domain.profile import LayerProfile
from core.domain.roofline import Ceiling
from core.sandbox.commands import Command


class Profiled(msgspec.Struct, frozen=True):
    """Layers, each with the mean milliseconds of a call with the profiler on, without what others took.

    Attributes:
        layers: In the order in which they ran.
        plain_ms: Milliseconds of each call without the profiler.
        profiled_ms: Milliseconds of each call with it.
    """

    layers: list[LayerProfile]
    plain_ms: list[float]
    profiled_ms: list[float]


PROFILE = Command("profile", Open, Profiled)


class Roofs(msgspec.Struct, frozen=True):
    """Measure the roofs with so many threads, on a processor with these instruction sets."""

    threads: int
    isa: list[str]


class RoofsFound(msgspec.Struct, frozen=True):
    """Roofs and cache sizes, see `core.domain.roofline.Roofline`."""

    compute: dict[str, Ceiling]
    bandwidth: dict[str, Ceiling]
    sizes: dict[str, int]


ROOFS = Command("roofs", Roofs, RoofsFound)
