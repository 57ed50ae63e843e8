"""Roofline of a machine: what it can compute and move at most, and which of the two bounds a piece of work.

The model is that of S. Williams, A. Waterman and D. Patterson: "Roofline: an insightful visual performance
model for multicore architectures", Communications of the ACM 52(4), 2009. The roofs are measured, not peak
figures of a data sheet, and there is one slanted roof for each level of memory, as in A. Ilic, F. Pratas and
L. Sousa: "Cache-aware roofline model", IEEE Computer Architecture Letters 13(1), 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from core.domain.measurement import Environment

BUSY = 0.6
"""Of a roof: where one of ten repeats stayed below, other programs took their part."""


@dataclass(frozen=True)
class Ceiling:
    """One roof.

    Attributes:
        value: GMAC/s of a precision or GB/s of a level of memory that nine of ten repeats did not exceed.
        low: What one of ten repeats did not reach: how far a busy machine may fall below.
        high: Most of all repeats.
        how: What gave it, in words, such as ``matrix product 1024 x 1024 x 1024 on OpenVINO``.
    """

    value: float
    low: float
    high: float
    how: str

    @classmethod
    def of(cls, rates: Sequence[float], how: str) -> Ceiling:
        """Return the roof that repeats of one piece of work show; at least two of them."""
        tenths = quantiles(rates, n=10, method="inclusive")
        return cls(tenths[-1], tenths[0], max(rates), how)


@dataclass(frozen=True)
class Roofline:
    """Roofs of one machine with one number of threads.

    Attributes:
        threads: Of every measurement.
        compute: GMAC/s by precision, such as ``FP32``, ``BF16``, ``INT8``; one that the machine has no
            instructions for is absent.
        bandwidth: GB/s by level of memory, the fastest first: ``L1``, ``L2``, ``L3``, ``DRAM``.
        sizes: Bytes that each level of cache holds for these threads.
        environment: Where it was measured.
        seconds: That it took.
    """

    threads: int
    compute: dict[str, Ceiling]
    bandwidth: dict[str, Ceiling]
    environment: Environment
    sizes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def disturbed(self) -> bool:
        """Whether the machine was busy meanwhile: repeats fell far below the roof, or many programs ran."""
        roofs = (*self.compute.values(), *self.bandwidth.values())
        fell = any(roof.low < BUSY * roof.value for roof in roofs)
        return fell or self.environment.load_before > self.environment.cores

    def level(self, working_set: int) -> str:
        """Return the fastest level of memory that holds so many bytes; empty where none was measured."""
        fitting = (name for name in self.bandwidth if working_set <= self.sizes.get(name, 2**62))
        return next(fitting, next(reversed(self.bandwidth), ""))

    def attainable(self, intensity: float, precision: str, level: str) -> float | None:
        """Return the most GMAC/s that work of `intensity` MACs per byte can reach; None without roofs."""
        roofs: list[float] = []
        if precision in self.compute:
            roofs.append(self.compute[precision].value)
        if level in self.bandwidth:
            roofs.append(intensity * self.bandwidth[level].value)
        return min(roofs) if len(roofs) == 2 else None

    def ridge(self, precision: str, level: str) -> float | None:
        """Return the MACs per byte from which on computing is the bound; None without such roofs."""
        if precision not in self.compute or level not in self.bandwidth:
            return None
        return self.compute[precision].value / self.bandwidth[level].value
