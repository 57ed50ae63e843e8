"""Sweep of batch sizes and threads: latency, throughput and energy of each setting."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.measurement import Environment


@dataclass(frozen=True)
class Setting:
    """One batch size at one number of threads.

    Attributes:
        batch: Samples of a call.
        threads: Of the runtime.
        p50_ms: Median of a call.
        p95_ms: 95th percentile; None where the calls are too few to state it.
        per_s: Samples per second, by the median.
        calls: Timed calls.
        joules: Energy of the whole processor for one sample; None where it is not exposed.
    """

    batch: int
    threads: int
    p50_ms: float
    p95_ms: float | None
    per_s: float
    calls: int
    joules: float | None = None


@dataclass(frozen=True)
class Sweep:
    """All settings of one candidate that were measured, one after another, with the machine for itself.

    Attributes:
        settings: In the order of threads, then batch.
        environment: Where.
        energy: What the energy is of, or why there is none, in a sentence.
        skipped: Why settings are absent, in a sentence; empty where all are there.
    """

    settings: tuple[Setting, ...]
    environment: Environment
    energy: str
    skipped: str = ""

    def best(self, limit_ms: float | None) -> Setting | None:
        """Return the setting of the most samples per second whose calls keep to a limit; None without any.

        The limit holds for the 95th percentile, or the median where that is not known.
        """
        fit = (each for each in self.settings if limit_ms is None or (each.p95_ms or each.p50_ms) <= limit_ms)
        return max(fit, key=lambda each: each.per_s, default=None)
